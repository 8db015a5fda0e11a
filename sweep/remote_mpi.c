/* Chunks over MPI. Rank 0 asks, the others answer in the order they were asked; messages of one
 * pair of ranks do not overtake each other (MPI 3.1, section 3.5), so an answer needs no number.
 * Two chunks at least are on their way to each rank: it computes one while the other is waiting
 * there; more of short ones, so that it has work while rank 0 writes a batch of rows. Answers are
 * sent and received while chunks are computed: neither side waits for the other's bytes. */
#include "sweep/remote.h"

#include <math.h>
#include <mpi.h>
#include <stdlib.h>
#include <string.h>

enum { TAG_HELLO = 1, TAG_CHUNK, TAG_STOP, TAG_ANSWER };
enum { DEPTH = 2, DEPTH_MAX = 16, ANSWERS = DEPTH_MAX, RECEIPTS = 64 };

struct question {
    uint64_t from;
    uint32_t span;
    uint32_t simulate;
    unsigned char wanted[CHUNK_SPAN];
};

struct answer {
    uint64_t failed_at;
    uint32_t skipped, failed, interrupted;
    uint32_t n_records, n_labels, records_size, labels_size;
    double took_s;
    struct error err;
};

struct remote {
    int ranks;
    /* By rank, number 0 is not used: chunks at work there and how many may be. Close together, for
     * they are looked through for every chunk. */
    unsigned char *count, *depth;
    size_t busy; /* ranks with no room left */
    struct peer {
        struct chunk *at_work[DEPTH_MAX];
        int next;
        struct question asked[DEPTH_MAX]; /* on their way */
        MPI_Request request[DEPTH_MAX];
    } * peers; /* by rank; number 0 is not used */
    /* Answers that have begun to come in. */
    MPI_Request coming[RECEIPTS];
    struct receipt {
        struct chunk *chunk;
        int peer;
        char *buffer;
        size_t capacity;
    } receipts[RECEIPTS];
};

enum status sweep_remote_begin(int *rank, int *ranks, struct error *err)
{
    int provided = 0;
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided) != MPI_SUCCESS ||
        MPI_Comm_rank(MPI_COMM_WORLD, rank) != MPI_SUCCESS ||
        MPI_Comm_size(MPI_COMM_WORLD, ranks) != MPI_SUCCESS) {
        return RAISE(err, ERR_EXTERNAL, "MPI does not start; is this run by mpirun or srun?");
    }
    return STATUS_OK;
}

void sweep_remote_end(void)
{
    int rank = 0;
    int ranks = 1;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    for (int i = 1; rank == 0 && i < ranks; i++) {
        MPI_Send(NULL, 0, MPI_BYTE, i, TAG_STOP, MPI_COMM_WORLD);
    }
    MPI_Finalize();
}

/* ---------------------------------------------------------------- rank 0 */

enum status remote_open(uint64_t scenario, struct remote **out, struct error *err)
{
    struct remote *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory for MPI");
    }
    MPI_Comm_size(MPI_COMM_WORLD, &r->ranks);
    if (r->ranks == 1) {
        free(r);
        return STATUS_OK;
    }
    r->peers = calloc((size_t)r->ranks, sizeof *r->peers);
    r->count = calloc((size_t)r->ranks, 1);
    r->depth = calloc((size_t)r->ranks, 1);
    if (r->peers == NULL || r->count == NULL || r->depth == NULL) {
        RAISE(err, ERR_MEMORY, "out of memory for %d ranks", r->ranks);
        free(r->peers);
        free(r->count);
        free(r->depth);
        free(r);
        return err->code;
    }
    for (int i = 0; i < RECEIPTS; i++) {
        r->coming[i] = MPI_REQUEST_NULL;
    }
    for (int i = 1; i < r->ranks; i++) {
        MPI_Send(&scenario, sizeof scenario, MPI_BYTE, i, TAG_HELLO, MPI_COMM_WORLD);
    }
    for (int i = 1; i < r->ranks; i++) {
        uint64_t theirs = 0;
        r->depth[i] = DEPTH;
        for (int k = 0; k < DEPTH_MAX; k++) {
            r->peers[i].request[k] = MPI_REQUEST_NULL;
        }
        MPI_Recv(&theirs, sizeof theirs, MPI_BYTE, i, TAG_ANSWER, MPI_COMM_WORLD,
                 MPI_STATUS_IGNORE);
        if (theirs != scenario) {
            RAISE(err, ERR_INPUT,
                  "rank %d reads another scenario or catalogue than rank 0, or none: the files "
                  "must be the same everywhere",
                  i);
        }
    }
    *out = r;
    if (err->code != STATUS_OK) {
        remote_close(r);
        *out = NULL;
    }
    return err->code;
}

void remote_close(struct remote *r)
{
    if (r != NULL) {
        for (int i = 1; i < r->ranks; i++) {
            MPI_Waitall(DEPTH_MAX, r->peers[i].request, MPI_STATUSES_IGNORE);
        }
        for (int i = 0; i < RECEIPTS; i++) {
            free(r->receipts[i].buffer);
        }
        free(r->peers);
        free(r->count);
        free(r->depth);
        free(r);
    }
}

static bool is_busy(const struct remote *r, int rank)
{
    return r->count[rank] >= r->depth[rank];
}

/* The rank with the least to do that has room; 0: none has. */
static int idlest(const struct remote *r)
{
    int best = 0;
    for (int i = 1; i < r->ranks; i++) {
        if (!is_busy(r, i) && (best == 0 || r->count[i] < r->count[best])) {
            best = i;
            if (r->count[i] == 0) {
                break;
            }
        }
    }
    return best;
}

bool remote_give(struct remote *r, struct chunk *c)
{
    const int i = r->busy + 1 < (size_t)r->ranks ? idlest(r) : 0;
    if (i == 0) {
        return false;
    }
    struct peer *p = &r->peers[i];
    struct question *q = &p->asked[p->next];
    MPI_Request *request = &p->request[p->next];
    MPI_Wait(request, MPI_STATUS_IGNORE); /* long answered */
    q->from = c->from;
    q->span = c->span;
    q->simulate = c->simulate;
    memcpy(q->wanted, c->wanted, c->span);
    const int size = (int)(offsetof(struct question, wanted) + c->span);
    MPI_Isend(q, size, MPI_BYTE, i, TAG_CHUNK, MPI_COMM_WORLD, request);
    p->next = (p->next + 1) % DEPTH_MAX;
    p->at_work[r->count[i]++] = c;
    r->busy += is_busy(r, i);
    return true;
}

static void unpack(const char *bytes, struct chunk *c)
{
    struct answer a;
    memcpy(&a, bytes, sizeof a);
    bytes += sizeof a;
    batch_clear(&c->rows);
    text_append(&c->rows.records, bytes, a.records_size);
    text_append(&c->rows.labels, bytes + a.records_size, a.labels_size);
    c->rows.n_records = a.n_records;
    c->rows.n_labels = a.n_labels;
    c->skipped = a.skipped;
    c->failed = a.failed;
    c->failed_at = a.failed_at;
    c->interrupted = a.interrupted != 0;
    c->took_s = a.took_s;
    c->err = a.err;
}

/* Begins to receive what has been announced, as far as there is room for it. */
static void receive(struct remote *r, struct error *err)
{
    for (int i = 0; i < RECEIPTS && err->code == STATUS_OK; i++) {
        struct receipt *in = &r->receipts[i];
        MPI_Status status;
        int there = 0;
        int size = 0;
        if (in->chunk != NULL) {
            continue;
        }
        MPI_Iprobe(MPI_ANY_SOURCE, TAG_ANSWER, MPI_COMM_WORLD, &there, &status);
        if (there == 0) {
            return;
        }
        MPI_Get_count(&status, MPI_BYTE, &size);
        if ((size_t)size > in->capacity) {
            char *more = realloc(in->buffer, (size_t)size);
            if (more == NULL) {
                RAISE(err, ERR_MEMORY, "out of memory for an answer of %d bytes", size);
                return;
            }
            in->buffer = more;
            in->capacity = (size_t)size;
        }
        struct peer *p = &r->peers[status.MPI_SOURCE];
        in->peer = status.MPI_SOURCE;
        in->chunk = p->at_work[0];
        r->busy -= is_busy(r, in->peer);
        r->count[in->peer]--;
        r->busy += is_busy(r, in->peer);
        memmove(p->at_work, p->at_work + 1, r->count[in->peer] * sizeof p->at_work[0]);
        MPI_Irecv(in->buffer, size, MPI_BYTE, in->peer, TAG_ANSWER, MPI_COMM_WORLD, &r->coming[i]);
    }
}

struct chunk *remote_take(struct remote *r, struct error *err)
{
    int which = MPI_UNDEFINED;
    int done = 0;
    receive(r, err);
    MPI_Testany(RECEIPTS, r->coming, &which, &done, MPI_STATUS_IGNORE);
    if (done == 0 || which == MPI_UNDEFINED) {
        return NULL;
    }
    struct receipt *in = &r->receipts[which];
    struct chunk *c = in->chunk;
    in->chunk = NULL;
    unpack(in->buffer, c);
    r->busy -= is_busy(r, in->peer);
    r->depth[in->peer] = (unsigned char)(DEPTH + fmin(sweep_ahead(c->took_s), DEPTH_MAX - DEPTH));
    r->busy += is_busy(r, in->peer);
    if (c->rows.records.failed || c->rows.labels.failed) {
        RAISE(err, ERR_MEMORY, "out of memory for an answer");
    }
    return c;
}

/* ---------------------------------------------------------------- the other ranks */

/* Answers on their way: each keeps its bytes until it was received. */
struct outbox {
    struct text text[ANSWERS];
    MPI_Request request[ANSWERS];
    int next;
};

static void send_answer(const struct chunk *c, struct outbox *box)
{
    struct text *out = &box->text[box->next];
    MPI_Request *request = &box->request[box->next];
    struct answer a;
    memset(&a, 0, sizeof a);
    a.failed_at = c->failed_at;
    a.skipped = c->skipped;
    a.failed = c->failed;
    a.interrupted = c->interrupted;
    a.n_records = c->rows.n_records;
    a.n_labels = c->rows.n_labels;
    a.records_size = (uint32_t)c->rows.records.size;
    a.labels_size = (uint32_t)c->rows.labels.size;
    a.took_s = c->took_s;
    a.err = c->err; /* where it was raised is a text of the same program at another address */
    a.err.raised_file = NULL;
    MPI_Wait(request, MPI_STATUS_IGNORE);
    out->size = 0;
    text_append(out, (const char *)&a, sizeof a);
    text_append(out, c->rows.records.data, c->rows.records.size);
    text_append(out, c->rows.labels.data, c->rows.labels.size);
    MPI_Isend(out->data, (int)out->size, MPI_BYTE, 0, TAG_ANSWER, MPI_COMM_WORLD, request);
    box->next = (box->next + 1) % ANSWERS;
}

enum status sweep_remote_serve(const struct scenario *s, const struct sweep_options *o,
                               struct error *err)
{
    struct chunk *c = calloc(1, sizeof *c);
    struct lane lane = {0};
    struct outbox box = {0};
    const bool ready = c != NULL && s != NULL && lane_init(&lane, s, o, err) == STATUS_OK;
    const uint64_t mine = ready ? o->provenance.hashes.scenario : 0;
    for (int i = 0; i < ANSWERS; i++) {
        box.request[i] = MPI_REQUEST_NULL;
    }
    for (;;) {
        union {
            struct question question;
            uint64_t scenario;
        } asked;
        MPI_Status status;
        MPI_Recv(&asked, sizeof asked, MPI_BYTE, 0, MPI_ANY_TAG, MPI_COMM_WORLD, &status);
        if (status.MPI_TAG == TAG_STOP) {
            break;
        }
        if (status.MPI_TAG == TAG_HELLO) {
            MPI_Send(&mine, sizeof mine, MPI_BYTE, 0, TAG_ANSWER, MPI_COMM_WORLD);
            continue;
        }
        c->from = asked.question.from;
        c->span = asked.question.span;
        c->simulate = asked.question.simulate != 0;
        memcpy(c->wanted, asked.question.wanted, c->span);
        lane_compute(&lane, c);
        send_answer(c, &box);
    }
    MPI_Waitall(ANSWERS, box.request, MPI_STATUSES_IGNORE);
    if (c != NULL) {
        batch_free(&c->rows);
        free(c);
    }
    lane_free(&lane);
    for (int i = 0; i < ANSWERS; i++) {
        text_free(&box.text[i]);
    }
    return err->code;
}
