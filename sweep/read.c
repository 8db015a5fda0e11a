/* What result stores hold: their runs; the rows of a sweep from one or several of them, in the
 * order of the points. */
#include "sweep/store.h"

#include <math.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

bool is_result_store(const char *path)
{
    static const char magic[] = "SQLite format 3"; /* and its NUL */
    char start[sizeof magic] = "";
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        return false;
    }
    const size_t n = fread(start, 1, sizeof start, f);
    fclose(f);
    return n == sizeof start && memcmp(start, magic, sizeof magic) == 0;
}

/* ---------------------------------------------------------------- runs */

static char *text_of(struct arena *a, sqlite3_stmt *q, int column)
{
    const char *text = (const char *)sqlite3_column_text(q, column);
    return arena_copy(a, text != NULL ? text : "", text != NULL ? strlen(text) : 0);
}

static void read_run(struct arena *a, sqlite3_stmt *q, struct stored_run *out)
{
    char **const texts[] = {&out->name,    &out->path, &out->version, &out->commit, &out->engines,
                            &out->command, &out->host, &out->started, &out->ended};
    static const int at[] = {2, 3, 4, 5, 9, 13, 14, 15, 16};
    char *const hashes[] = {out->scenario, out->prices, out->profile};
    static const int hash_at[] = {1, 6, 7};
    out->run = sqlite3_column_int64(q, 0);
    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
        *texts[i] = text_of(a, q, at[i]);
    }
    for (size_t i = 0; i < 3; i++) {
        const char *hash = (const char *)sqlite3_column_text(q, hash_at[i]);
        snprintf(hashes[i], sizeof out->scenario, "%s", hash != NULL ? hash : "");
    }
    uint64_t *const numbers[] = {
        &out->counts.points,  &out->counts.kept,   &out->counts.reused, &out->counts.computed,
        &out->counts.skipped, &out->counts.failed, &out->rows};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        *numbers[i] = (uint64_t)sqlite3_column_int64(q, 17 + (int)i);
    }
    out->seed = sqlite3_column_double(q, 8);
    out->points = (uint64_t)sqlite3_column_int64(q, 10);
    out->shard = (uint64_t)sqlite3_column_int64(q, 11);
    out->shards = (uint64_t)sqlite3_column_int64(q, 12);
    out->finished = sqlite3_column_type(q, 16) != SQLITE_NULL;
}

static void read_limits(struct result_store *s, struct stored_run *run)
{
    sqlite3_stmt *q = NULL;
    run->confidence = NAN;
    if (sqlite3_prepare_v2(store_handle(s), "SELECT * FROM limits WHERE run = ?1", -1, &q, NULL) ==
        SQLITE_OK) { /* else a store of an older version */
        sqlite3_bind_int64(q, 1, run->run);
        if (sqlite3_step(q) == SQLITE_ROW) {
            run->limits.deadline_s = sqlite3_column_double(q, 1);
            run->limits.budget_usd = sqlite3_column_double(q, 2);
            run->confidence = sqlite3_column_double(q, 3);
        }
    }
    sqlite3_finalize(q);
}

/* Counting rows reads the whole store: only for who asks. */
static enum status read_runs(struct result_store *s, bool count, struct stored_runs *out,
                             struct error *err)
{
    static const char sql[] =
        "SELECT run, scenario, name, path, version, commit_, prices, profile, seed, engines,"
        " points, shard, shards, command, host, started, ended, todo, kept, reused, computed,"
        " skipped, failed, CASE ?1 WHEN 1 THEN (SELECT sum((SELECT count(*) FROM result r"
        " WHERE r.id >= s.series << 32 AND r.id < (s.series + 1) << 32)) FROM series s"
        " WHERE s.scenario = run.scenario AND s.version = run.version AND"
        " s.commit_ = run.commit_ AND (run.engines = 'both' OR run.engines = s.engine)) END"
        " FROM run ORDER BY run";
    sqlite3_stmt *q = NULL;
    *out = (struct stored_runs){0};
    int code = sqlite3_prepare_v2(store_handle(s), sql, -1, &q, NULL);
    sqlite3_bind_int(q, 1, count);
    while (code == SQLITE_OK && (code = sqlite3_step(q)) == SQLITE_ROW) {
        struct stored_run *more = realloc(out->runs, (out->count + 1) * sizeof *more);
        if (more == NULL) {
            code = SQLITE_NOMEM;
            break;
        }
        out->runs = more;
        more[out->count] = (struct stored_run){0};
        read_run(&out->arena, q, &more[out->count]);
        read_limits(s, &more[out->count++]);
        code = SQLITE_OK;
    }
    if (code != SQLITE_DONE) {
        store_raise(s, "read", err);
    }
    sqlite3_finalize(q);
    return err->code;
}

enum status sweep_runs(const char *path, struct stored_runs *out, struct error *err)
{
    struct result_store *s = NULL;
    *out = (struct stored_runs){0};
    if (store_open(path, STORE_READ, &s, err) == STATUS_OK) {
        read_runs(s, true, out, err);
        store_close(s);
    }
    return err->code;
}

void sweep_runs_free(struct stored_runs *r)
{
    arena_free(&r->arena);
    free(r->runs);
    *r = (struct stored_runs){0};
}

/* ---------------------------------------------------------------- rows */

/* One series of one store, being read. */
struct source {
    struct result_store *store;
    sqlite3_stmt *query;
    const char *engine;
    size_t order[64]; /* of its packed numbers, in struct row */
    size_t n_order;
    bool more;
    uint64_t point;
    struct words {
        int64_t label;
        const char *texts[LABELS];
    } last; /* most rows have the words of the row before */
};

struct row_reader {
    struct arena arena;
    struct result_store **stores;
    size_t n_stores;
    struct source *sources;
    size_t n_sources;
    struct stored_runs runs;
    const struct stored_run *run;
    uint64_t identity; /* of the row read last */
};

const struct stored_run *row_reader_run(const struct row_reader *r)
{
    return r->run;
}

static void read_order(struct source *s, const char *names)
{
    while (names[0] != '\0' && s->n_order < sizeof s->order / sizeof s->order[0]) {
        char name[64];
        const size_t n = strcspn(names, ",");
        snprintf(name, sizeof name, "%.*s", (int)n, names);
        const int column = column_find(name);
        s->order[s->n_order++] = column >= 0 ? columns[column].offset : SIZE_MAX;
        names += n + (names[n] == ',');
    }
}

static enum status advance(struct source *s, struct error *err)
{
    const int code = sqlite3_step(s->query);
    s->more = code == SQLITE_ROW;
    if (s->more) {
        s->point = (uint64_t)sqlite3_column_int64(s->query, 0) & UINT32_MAX;
    }
    return s->more || code == SQLITE_DONE ? STATUS_OK : store_raise(s->store, "read", err);
}

static enum status add_source(struct row_reader *r, struct result_store *store, int64_t series,
                              const char *engine, const char *names, struct error *err)
{
    struct source *more = realloc(r->sources, (r->n_sources + 1) * sizeof *more);
    if (more == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory for the rows of a store");
    }
    r->sources = more;
    struct source *s = &more[r->n_sources++];
    *s = (struct source){.store = store, .last.label = -1};
    s->engine = strcmp(engine, "simulate") == 0 ? "simulate" : "predict";
    read_order(s, names);
    char sql[400];
    snprintf(sql, sizeof sql,
             "SELECT id, identity, label, workers, memory_mib, time_s, cost_usd, status, numbers,"
             " (SELECT words FROM label l WHERE l.label = result.label) FROM result"
             " WHERE id >= %lld AND id < %lld ORDER BY id",
             (long long)series << 32, (long long)(series + 1) << 32);
    if (sqlite3_prepare_v2(store_handle(store), sql, -1, &s->query, NULL) != SQLITE_OK) {
        return store_raise(store, "read", err);
    }
    return advance(s, err);
}

static enum status add_store(struct row_reader *r, struct result_store *store, struct error *err)
{
    static const char sql[] =
        "SELECT series, engine, numbers FROM series WHERE scenario = ?1 AND version = ?2 AND"
        " commit_ = ?3 AND (engine = 'predict' OR seed = ?4) AND (?5 = 'both' OR engine = ?5)"
        " ORDER BY engine";
    sqlite3_stmt *q = NULL;
    if (sqlite3_prepare_v2(store_handle(store), sql, -1, &q, NULL) != SQLITE_OK) {
        return store_raise(store, "read", err);
    }
    sqlite3_bind_text(q, 1, r->run->scenario, -1, SQLITE_STATIC);
    sqlite3_bind_text(q, 2, r->run->version, -1, SQLITE_STATIC);
    sqlite3_bind_text(q, 3, r->run->commit, -1, SQLITE_STATIC);
    sqlite3_bind_int64(q, 4, (int64_t)r->run->seed);
    sqlite3_bind_text(q, 5, r->run->engines, -1, SQLITE_STATIC);
    int code = SQLITE_DONE;
    size_t found = 0;
    while (err->code == STATUS_OK && (code = sqlite3_step(q)) == SQLITE_ROW) {
        found++;
        add_source(r, store, sqlite3_column_int64(q, 0), (const char *)sqlite3_column_text(q, 1),
                   (const char *)sqlite3_column_text(q, 2), err);
    }
    if (err->code == STATUS_OK && code != SQLITE_DONE) {
        store_raise(store, "read", err);
    }
    sqlite3_finalize(q);
    return err->code == STATUS_OK && found == 0
               ? RAISE(err, ERR_INPUT,
                       "%s holds no rows of the sweep %s (%s) that the first store holds",
                       sqlite3_db_filename(store_handle(store), "main"), r->run->scenario,
                       r->run->name)
               : err->code;
}

static enum status choose_run(struct row_reader *r, const char *path, int64_t run,
                              struct error *err)
{
    if (read_runs(r->stores[0], false, &r->runs, err) != STATUS_OK) {
        return err->code;
    }
    for (size_t i = 0; i < r->runs.count; i++) {
        if (run == 0 || r->runs.runs[i].run == run) {
            r->run = &r->runs.runs[i];
        }
    }
    if (r->run == NULL && r->runs.count == 0) {
        return RAISE(err, ERR_INPUT, "%s holds no run", path);
    }
    return r->run != NULL ? STATUS_OK
                          : RAISE(err, ERR_USAGE, "%s holds no run %lld (faascast results %s)",
                                  path, (long long)run, path);
}

enum status row_reader_open(const char *const *paths, size_t n_paths, int64_t run,
                            struct row_reader **out, struct error *err)
{
    struct row_reader *r = calloc(1, sizeof *r);
    *out = NULL;
    if (r == NULL || (r->stores = calloc(n_paths, sizeof *r->stores)) == NULL) {
        free(r);
        return RAISE(err, ERR_MEMORY, "out of memory for %zu stores", n_paths);
    }
    for (size_t i = 0; i < n_paths && err->code == STATUS_OK; i++) {
        if (store_open(paths[i], STORE_READ, &r->stores[i], err) == STATUS_OK) {
            r->n_stores++;
            if (i > 0 || choose_run(r, paths[0], run, err) == STATUS_OK) {
                add_store(r, r->stores[i], err);
            }
        }
    }
    if (err->code != STATUS_OK) {
        row_reader_close(r);
        return err->code;
    }
    *out = r;
    return STATUS_OK;
}

void row_reader_close(struct row_reader *r)
{
    if (r == NULL) {
        return;
    }
    for (size_t i = 0; i < r->n_sources; i++) {
        sqlite3_finalize(r->sources[i].query);
    }
    for (size_t i = 0; i < r->n_stores; i++) {
        store_close(r->stores[i]);
    }
    sweep_runs_free(&r->runs);
    arena_free(&r->arena);
    free(r->sources);
    free(r->stores);
    free(r);
}

static enum status read_words(struct row_reader *r, struct source *s, struct error *err)
{
    const int64_t label = sqlite3_column_int64(s->query, 2);
    if (label == s->last.label) {
        return STATUS_OK;
    }
    const char *words = (const char *)sqlite3_column_text(s->query, 9);
    char *copy = arena_copy(&r->arena, words != NULL ? words : "", words ? strlen(words) : 0);
    if (copy == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory for words");
    }
    for (int i = 0; i < LABELS; i++) {
        const size_t n = strcspn(copy, "\x1f");
        s->last.texts[i] = copy;
        copy += n;
        if (*copy != '\0') {
            *copy++ = '\0';
        }
    }
    s->last.label = label;
    return STATUS_OK;
}

static double number_of(sqlite3_stmt *q, int column)
{
    return sqlite3_column_type(q, column) == SQLITE_NULL ? (double)NAN
                                                         : sqlite3_column_double(q, column);
}

static enum status read_row(struct row_reader *r, struct source *s, struct row *row,
                            struct error *err)
{
    row_init(row);
    if (read_words(r, s, err) != STATUS_OK) {
        return err->code;
    }
    int n = 0;
#define X(name) row->name = s->last.texts[n++];
    LABEL_LIST(X)
#undef X
    n = 3;
#define X(name) row->name = number_of(s->query, n++);
    PLAIN_LIST(X)
#undef X
    row->point = (double)s->point;
    row->engine = s->engine;
    const char *status = (const char *)sqlite3_column_text(s->query, 7);
    row->feasible = status == NULL;
    snprintf(row->status_text, sizeof row->status_text, "%s", status != NULL ? status : "ok");
    row->status = row->status_text;
    r->identity = (uint64_t)sqlite3_column_int64(s->query, 1);
    if (!unpack_numbers(sqlite3_column_blob(s->query, 8), (size_t)sqlite3_column_bytes(s->query, 8),
                        s->order, s->n_order, row)) {
        return RAISE(err, ERR_INPUT, "%s is damaged: row %llu is not what was written",
                     sqlite3_db_filename(store_handle(s->store), "main"),
                     (unsigned long long)s->point);
    }
    return STATUS_OK;
}

enum status row_reader_next(struct row_reader *r, struct row *row, bool *more, struct error *err)
{
    struct source *first = NULL;
    for (size_t i = 0; i < r->n_sources; i++) {
        struct source *s = &r->sources[i];
        if (s->more && (first == NULL || s->point < first->point ||
                        (s->point == first->point && strcmp(s->engine, first->engine) < 0))) {
            first = s;
        }
    }
    *more = first != NULL;
    if (first == NULL || read_row(r, first, row, err) != STATUS_OK) {
        return err->code;
    }
    for (size_t i = 0; i < r->n_sources && err->code == STATUS_OK; i++) {
        struct source *s = &r->sources[i];
        if (s != first && s->more && s->point == first->point && s->engine == first->engine) {
            advance(s, err); /* the same row in another store */
        }
    }
    return err->code == STATUS_OK ? advance(first, err) : err->code;
}

/* ---------------------------------------------------------------- into another store */

static uint64_t from_hex(const char *hex)
{
    return strtoull(hex, NULL, 16);
}

static enum status copy_batch(struct result_store *to, int64_t series, struct batch *b,
                              struct error *err)
{
    if (store_begin(to, err) == STATUS_OK && store_insert(to, series, b, err) == STATUS_OK) {
        store_commit(to, err);
    }
    store_rollback(to);
    batch_clear(b);
    return err->code;
}

struct column_of_row {
    const struct row *row;
};

static struct expression_value read_cell(int column, void *context)
{
    return row_value(((const struct column_of_row *)context)->row, column);
}

enum status row_reader_copy(struct row_reader *r, const char *path, const struct expression *where,
                            uint64_t *rows, struct error *err)
{
    struct result_store *to = NULL;
    struct batch batches[2];
    int64_t series[2] = {0, 0};
    int64_t run = 0;
    const struct provenance p = {
        .version = r->run->version,
        .commit = r->run->commit,
        .command = r->run->command,
        .host = r->run->host,
        .scenario_path = r->run->path,
        .scenario_name = r->run->name,
        .hashes = {from_hex(r->run->scenario), from_hex(r->run->prices), from_hex(r->run->profile),
                   r->run->seed},
        .points = r->run->points,
        .shard = 1,
        .shards = 1,
        .predict = strcmp(r->run->engines, "simulate") != 0,
        .simulate = strcmp(r->run->engines, "predict") != 0,
        .limits = r->run->limits,
        .confidence = r->run->confidence,
    };
    bool more = true;
    memset(batches, 0, sizeof batches);
    *rows = 0;
    if (store_open(path, STORE_WRITE, &to, err) == STATUS_OK) {
        store_run_begin(to, &p, &run, err);
    }
    while (err->code == STATUS_OK && more) {
        struct row row;
        struct column_of_row cell = {&row};
        if (row_reader_next(r, &row, &more, err) != STATUS_OK || !more ||
            (where != NULL && !expression_true(where, read_cell, &cell))) {
            continue;
        }
        const int simulated = strcmp(row.engine, "simulate") == 0;
        ++*rows;
        if (series[simulated] == 0) {
            store_series(to, &p, row.engine, &series[simulated], err);
        }
        if (batch_add(&batches[simulated], &row, r->identity, err) == STATUS_OK &&
            batches[simulated].n_records == 4096) {
            copy_batch(to, series[simulated], &batches[simulated], err);
        }
    }
    for (int i = 0; i < 2; i++) {
        if (err->code == STATUS_OK && batches[i].n_records > 0) {
            copy_batch(to, series[i], &batches[i], err);
        }
        batch_free(&batches[i]);
    }
    if (err->code == STATUS_OK) {
        const struct sweep_counts n = {.points = *rows, .kept = *rows};
        store_run_end(to, run, &n, err);
    }
    store_close(to);
    return err->code;
}
