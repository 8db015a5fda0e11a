/* Chunks over MPI. Rank 0 asks, the others answer in the order they were asked; messages of one
 * pair of ranks do not overtake each other (MPI 3.1, section 3.5), so an answer needs no number.
 * Two chunks are on their way to each rank: it computes one while the other is waiting there. */
#include "sweep/remote.h"

#include <mpi.h>
#include <stdlib.h>
#include <string.h>

enum { TAG_HELLO = 1, TAG_CHUNK, TAG_STOP, TAG_ANSWER };
enum { DEPTH = 2 };

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
    struct error err;
};

struct remote {
    int ranks, next;
    struct peer {
        struct chunk *at_work[DEPTH];
        int count;
    } * peers; /* by rank; number 0 is not used */
    char *buffer;
    size_t capacity;
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
    r->peers = calloc((size_t)r->ranks, sizeof *r->peers);
    if (r->peers == NULL) {
        RAISE(err, ERR_MEMORY, "out of memory for %d ranks", r->ranks);
        free(r);
        return err->code;
    }
    for (int i = 1; i < r->ranks; i++) {
        MPI_Send(&scenario, sizeof scenario, MPI_BYTE, i, TAG_HELLO, MPI_COMM_WORLD);
    }
    for (int i = 1; i < r->ranks; i++) {
        uint64_t theirs = 0;
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
        free(r->peers);
        free(r->buffer);
        free(r);
    }
}

bool remote_give(struct remote *r, struct chunk *c)
{
    for (int depth = 0; depth < DEPTH; depth++) { /* first those with nothing to do */
        for (int i = 1; i < r->ranks; i++) {
            struct peer *p = &r->peers[i];
            if (p->count != depth) {
                continue;
            }
            struct question q = {.from = c->from, .span = c->span, .simulate = c->simulate};
            memcpy(q.wanted, c->wanted, c->span);
            const int size = (int)(offsetof(struct question, wanted) + c->span);
            MPI_Send(&q, size, MPI_BYTE, i, TAG_CHUNK, MPI_COMM_WORLD);
            p->at_work[p->count++] = c;
            return true;
        }
    }
    return false;
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
    c->err = a.err;
}

struct chunk *remote_take(struct remote *r, struct error *err)
{
    MPI_Status status;
    int there = 0;
    int size = 0;
    MPI_Iprobe(MPI_ANY_SOURCE, TAG_ANSWER, MPI_COMM_WORLD, &there, &status);
    if (there == 0) {
        return NULL;
    }
    MPI_Get_count(&status, MPI_BYTE, &size);
    if ((size_t)size > r->capacity) {
        char *more = realloc(r->buffer, (size_t)size);
        if (more == NULL) {
            RAISE(err, ERR_MEMORY, "out of memory for an answer of %d bytes", size);
            return NULL;
        }
        r->buffer = more;
        r->capacity = (size_t)size;
    }
    MPI_Recv(r->buffer, size, MPI_BYTE, status.MPI_SOURCE, TAG_ANSWER, MPI_COMM_WORLD,
             MPI_STATUS_IGNORE);
    struct peer *p = &r->peers[status.MPI_SOURCE];
    struct chunk *c = p->at_work[0];
    p->count--;
    memmove(p->at_work, p->at_work + 1, (size_t)p->count * sizeof p->at_work[0]);
    unpack(r->buffer, c);
    if (c->rows.records.failed || c->rows.labels.failed) {
        RAISE(err, ERR_MEMORY, "out of memory for an answer of %d bytes", size);
    }
    return c;
}

/* ---------------------------------------------------------------- the other ranks */

static void send_answer(const struct chunk *c, struct text *out)
{
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
    a.err = c->err; /* where it was raised is a text of the same program at another address */
    a.err.raised_file = NULL;
    out->size = 0;
    text_append(out, (const char *)&a, sizeof a);
    text_append(out, c->rows.records.data, c->rows.records.size);
    text_append(out, c->rows.labels.data, c->rows.labels.size);
    MPI_Send(out->data, (int)out->size, MPI_BYTE, 0, TAG_ANSWER, MPI_COMM_WORLD);
}

enum status sweep_remote_serve(const struct scenario *s, const struct sweep_options *o,
                               struct error *err)
{
    struct chunk *c = calloc(1, sizeof *c);
    struct lane lane = {0};
    struct text out = {0};
    const bool ready = c != NULL && s != NULL && lane_init(&lane, s, o, err) == STATUS_OK;
    const uint64_t mine = ready ? o->provenance.hashes.scenario : 0;
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
        send_answer(c, &out);
    }
    if (c != NULL) {
        batch_free(&c->rows);
        free(c);
    }
    lane_free(&lane);
    text_free(&out);
    return err->code;
}
