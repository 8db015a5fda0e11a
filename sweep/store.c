/* The result store: schema, transactions, rows in. */
#include "sweep/store.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define APPLICATION_ID "1718709619" /* "fqas": tells our files from other SQLite files */
#define FORMAT "1"
#define BUSY_MS 60000

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS series(series INTEGER PRIMARY KEY, scenario TEXT NOT NULL,"
    " engine TEXT NOT NULL, seed INTEGER NOT NULL, version TEXT NOT NULL, commit_ TEXT NOT NULL,"
    " numbers TEXT NOT NULL, UNIQUE(scenario, engine, seed, version, commit_));"
    "CREATE TABLE IF NOT EXISTS label(label INTEGER PRIMARY KEY, words TEXT NOT NULL UNIQUE);"
    "CREATE TABLE IF NOT EXISTS result(id INTEGER PRIMARY KEY, identity INTEGER NOT NULL,"
    " label INTEGER NOT NULL, workers REAL, memory_mib REAL, time_s REAL, cost_usd REAL,"
    " status TEXT, numbers BLOB);"
    "CREATE TABLE IF NOT EXISTS run(run INTEGER PRIMARY KEY, scenario TEXT NOT NULL, name TEXT,"
    " path TEXT, version TEXT, commit_ TEXT, prices TEXT, profile TEXT, seed REAL, engines TEXT,"
    " points INTEGER, shard INTEGER, shards INTEGER, command TEXT, host TEXT, started TEXT,"
    " ended TEXT, todo INTEGER, kept INTEGER, reused INTEGER, computed INTEGER, skipped INTEGER,"
    " failed INTEGER);"
    "CREATE TABLE IF NOT EXISTS limits(run INTEGER PRIMARY KEY, deadline_s REAL, budget_usd REAL,"
    " confidence REAL);"
    "CREATE VIEW IF NOT EXISTS results AS SELECT s.scenario, r.id & 4294967295 AS point, s.engine,"
    " s.seed, r.workers, r.memory_mib, r.time_s, r.cost_usd, coalesce(r.status, 'ok') AS status,"
    " l.words FROM result r JOIN series s ON s.series = r.id >> 32 JOIN label l USING (label);"
    "PRAGMA application_id=" APPLICATION_ID "; PRAGMA user_version=" FORMAT ";";

enum statement { SQL_PRESENT, SQL_INSERT, SQL_LABEL, SQL_LABEL_ADD, SQL_KNOWN, SQL_COPY, SQLS };
static const char *const statements[SQLS] = {
    [SQL_PRESENT] = "SELECT id & 4294967295, identity FROM result WHERE id >= ?1 AND id < ?2",
    [SQL_INSERT] = "INSERT OR REPLACE INTO result VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9)",
    [SQL_LABEL] = "SELECT label FROM label WHERE words = ?1",
    [SQL_LABEL_ADD] = "INSERT OR IGNORE INTO label(words) VALUES(?1)",
    [SQL_KNOWN] = "SELECT k.id, l.words FROM temp.known k JOIN result r ON r.id = k.id"
                  " JOIN label l USING (label) WHERE k.identity = ?1",
    [SQL_COPY] = "INSERT OR REPLACE INTO result SELECT ?1, identity, ?2, workers, memory_mib,"
                 " time_s, cost_usd, status, numbers FROM result WHERE id = ?3",
};

struct result_store {
    sqlite3 *db;
    char *path;
    sqlite3_stmt *sql[SQLS];
};

struct sqlite3 *store_handle(struct result_store *s)
{
    return s->db;
}

enum status store_raise(struct result_store *s, const char *doing, struct error *err)
{
    const int code = sqlite3_errcode(s->db);
    const int system = sqlite3_system_errno(s->db);
    switch (code & 0xff) {
    case SQLITE_FULL:
        return RAISE(err, ERR_IO,
                     "no room left on the disk for %s; the results stored so far are safe: make "
                     "room and run the same command again",
                     s->path);
    case SQLITE_READONLY:
        return RAISE(err, ERR_IO, "cannot %s %s: the file or its folder is read-only", doing,
                     s->path);
    case SQLITE_NOTADB:
        return RAISE(err, ERR_INPUT, "%s is no result store of faascast", s->path);
    case SQLITE_CORRUPT:
        return RAISE(err, ERR_INPUT, "%s is damaged: %s", s->path, sqlite3_errmsg(s->db));
    case SQLITE_BUSY:
        return RAISE(err, ERR_IO, "%s has been locked by another program for a minute", s->path);
    case SQLITE_NOMEM:
        return RAISE(err, ERR_MEMORY, "out of memory for %s", s->path);
    default:
        return RAISE(err, ERR_IO, "cannot %s %s: %s%s%s", doing, s->path, sqlite3_errmsg(s->db),
                     system != 0 ? ": " : "", system != 0 ? strerror(system) : "");
    }
}

static enum status execute(struct result_store *s, const char *sql, const char *doing,
                           struct error *err)
{
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? STATUS_OK
                                                                   : store_raise(s, doing, err);
}

static enum status query_number(struct result_store *s, const char *sql, int64_t *out,
                                struct error *err)
{
    sqlite3_stmt *q = NULL;
    if (sqlite3_prepare_v2(s->db, sql, -1, &q, NULL) != SQLITE_OK ||
        sqlite3_step(q) != SQLITE_ROW) {
        store_raise(s, "read", err);
    } else {
        *out = sqlite3_column_int64(q, 0);
    }
    sqlite3_finalize(q);
    return err->code;
}

/* An empty file, or one of ours? One transaction, so that the three numbers are of one moment:
 * another process may be making the same store just now. */
static enum status check_kind(struct result_store *s, enum store_mode mode, struct error *err)
{
    int64_t application = 0;
    int64_t tables = 0;
    int64_t format = 0;
    if (execute(s, "BEGIN", "read", err) != STATUS_OK ||
        query_number(s, "PRAGMA application_id", &application, err) != STATUS_OK ||
        query_number(s, "SELECT count(*) FROM sqlite_master", &tables, err) != STATUS_OK ||
        query_number(s, "PRAGMA user_version", &format, err) != STATUS_OK ||
        execute(s, "COMMIT", "read", err) != STATUS_OK) {
        return err->code;
    }
    if (tables == 0 && application == 0 && mode == STORE_WRITE) {
        return STATUS_OK;
    }
    if (application != strtoll(APPLICATION_ID, NULL, 10)) {
        return RAISE(err, ERR_INPUT, "%s is no result store of faascast", s->path);
    }
    if (format != strtoll(FORMAT, NULL, 10)) {
        return RAISE(err, ERR_INPUT, "%s has format %lld, this version reads %s", s->path,
                     (long long)format, FORMAT);
    }
    return STATUS_OK;
}

/* SQLite would fall back to reading, or ask for files it cannot make: said here in words. */
static enum status check_writable(const char *path, struct error *err)
{
    char folder[PATH_MAX];
    if (path[0] == ':') { /* ":memory:" */
        return STATUS_OK;
    }
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash != NULL) {
        slash[slash == folder] = '\0';
    }
    const char *where = slash != NULL ? folder : ".";
    if (access(where, W_OK) != 0) {
        return RAISE(err, ERR_IO, "cannot write %s: folder %s: %s", path, where, strerror(errno));
    }
    if (access(path, W_OK) != 0 && errno != ENOENT) {
        return RAISE(err, ERR_IO, "cannot write %s: %s", path, strerror(errno));
    }
    return STATUS_OK;
}

/* A finished store on a read-only disk cannot have the helper files of its log: read it as it is.
 */
static int open_file(const char *path, enum store_mode mode, sqlite3 **db)
{
    if (mode == STORE_WRITE) {
        return sqlite3_open_v2(
            path, db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    }
    struct text uri = {0};
    char *slash = NULL;
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s", path);
    slash = strrchr(folder, '/');
    if (slash != NULL) {
        slash[slash == folder] = '\0';
    }
    text_puts(&uri, "file:");
    for (const char *p = path; *p != '\0'; p++) {
        text_printf(&uri, strchr("%?#", *p) != NULL ? "%%%02x" : "%c", (unsigned char)*p);
    }
    const bool fixed = access(slash != NULL ? folder : ".", W_OK) != 0;
    text_puts(&uri, fixed ? "?immutable=1" : "");
    const int code = uri.failed
                         ? SQLITE_NOMEM
                         : sqlite3_open_v2(uri.data, db,
                                           (fixed ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) |
                                               SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX,
                                           NULL);
    text_free(&uri);
    return code;
}

/* A log (WAL): a kill loses what is not committed and nothing else. Its size is bounded by moving
 * it into the file every 64 MiB. SQLite does not wait by itself when two processes change the mode
 * of one new file at once, so the wait is here. */
static enum status use_log(struct result_store *s, struct error *err)
{
    static const char sql[] = "PRAGMA page_size=16384; PRAGMA journal_mode=WAL;"
                              "PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=4096;"
                              "PRAGMA cache_size=-16000";
    int code = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
    for (int waited_ms = 0; (code & 0xff) == SQLITE_BUSY && waited_ms < BUSY_MS; waited_ms += 10) {
        sqlite3_sleep(10);
        code = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
    }
    return code == SQLITE_OK ? STATUS_OK : store_raise(s, "write", err);
}

enum status store_open(const char *path, enum store_mode mode, struct result_store **out,
                       struct error *err)
{
    struct result_store *s = calloc(1, sizeof *s);
    *out = NULL;
    if (s == NULL || (s->path = strdup(path)) == NULL) {
        free(s);
        return RAISE(err, ERR_MEMORY, "out of memory for %s", path);
    }
    if (mode == STORE_READ && access(path, R_OK) != 0) {
        RAISE(err, ERR_IO, "cannot open %s: %s", path, strerror(errno));
    } else if (mode == STORE_WRITE && check_writable(path, err) != STATUS_OK) {
        store_close(s);
        return err->code;
    } else if (open_file(path, mode, &s->db) != SQLITE_OK) {
        store_raise(s, mode == STORE_WRITE ? "create" : "open", err);
    }
    if (err->code == STATUS_OK) {
        sqlite3_busy_timeout(s->db, BUSY_MS);
        check_kind(s, mode, err);
    }
    if (err->code == STATUS_OK && mode == STORE_WRITE && use_log(s, err) == STATUS_OK &&
        execute(s, "BEGIN IMMEDIATE", "write", err) == STATUS_OK &&
        execute(s, schema, "write", err) == STATUS_OK) {
        execute(s, "COMMIT", "write", err);
    }
    if (err->code != STATUS_OK) {
        store_close(s);
        return err->code;
    }
    *out = s;
    return STATUS_OK;
}

void store_close(struct result_store *s)
{
    if (s == NULL) {
        return;
    }
    for (int i = 0; i < SQLS; i++) {
        sqlite3_finalize(s->sql[i]);
    }
    sqlite3_close(s->db);
    free(s->path);
    free(s);
}

static sqlite3_stmt *prepared(struct result_store *s, enum statement which, struct error *err)
{
    if (s->sql[which] == NULL &&
        sqlite3_prepare_v3(s->db, statements[which], -1, SQLITE_PREPARE_PERSISTENT, &s->sql[which],
                           NULL) != SQLITE_OK) {
        store_raise(s, "use", err);
        return NULL;
    }
    sqlite3_reset(s->sql[which]);
    return s->sql[which];
}

static enum status step_done(struct result_store *s, sqlite3_stmt *q, struct error *err)
{
    const enum status status =
        sqlite3_step(q) == SQLITE_DONE ? STATUS_OK : store_raise(s, "write", err);
    sqlite3_reset(q);
    return status;
}

enum status store_begin(struct result_store *s, struct error *err)
{
    return execute(s, "BEGIN IMMEDIATE", "write", err);
}

enum status store_commit(struct result_store *s, struct error *err)
{
    return execute(s, "COMMIT", "write", err);
}

void store_rollback(struct result_store *s)
{
    if (sqlite3_get_autocommit(s->db) == 0) {
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    }
}

static void bind_text(sqlite3_stmt *q, int at, const char *text)
{
    sqlite3_bind_text(q, at, text, -1, SQLITE_TRANSIENT);
}

static void bind_hash(sqlite3_stmt *q, int at, uint64_t hash)
{
    char hex[17];
    snprintf(hex, sizeof hex, "%016llx", (unsigned long long)hash);
    bind_text(q, at, hex);
}

/* One statement about the series of a sweep: `names` is bound where it is inserted. */
static int series_step(struct result_store *s, const char *sql, const struct provenance *p,
                       const char *engine, const char *names, int64_t *out)
{
    sqlite3_stmt *q = NULL;
    if (sqlite3_prepare_v2(s->db, sql, -1, &q, NULL) != SQLITE_OK) {
        return SQLITE_ERROR;
    }
    bind_hash(q, 1, p->hashes.scenario);
    bind_text(q, 2, engine);
    /* The closed form draws nothing. */
    sqlite3_bind_int64(q, 3, strcmp(engine, "predict") == 0 ? 0 : (int64_t)p->hashes.seed);
    bind_text(q, 4, p->version);
    bind_text(q, 5, p->commit);
    if (names != NULL) {
        bind_text(q, 6, names);
    }
    const int code = sqlite3_step(q);
    if (code == SQLITE_ROW) {
        *out = sqlite3_column_int64(q, 0);
    }
    sqlite3_finalize(q);
    return code;
}

static const char select_series[] =
    "SELECT series FROM series WHERE scenario=?1 AND engine=?2 AND seed=?3 AND version=?4 AND"
    " commit_=?5";

enum status store_series(struct result_store *s, const struct provenance *p, const char *engine,
                         int64_t *out, struct error *err)
{
    static const char insert_series[] =
        "INSERT OR IGNORE INTO series(scenario, engine, seed, version, commit_, numbers)"
        " VALUES(?1,?2,?3,?4,?5,?6)";
    struct text names = {0};
    text_packed_names(&names);
    if (series_step(s, insert_series, p, engine, names.data != NULL ? names.data : "", out) !=
            SQLITE_DONE ||
        series_step(s, select_series, p, engine, NULL, out) != SQLITE_ROW) {
        store_raise(s, "write", err);
    }
    text_free(&names);
    return err->code;
}

enum status store_find_series(struct result_store *s, const struct provenance *p,
                              const char *engine, bool *found, int64_t *out, struct error *err)
{
    const int code = series_step(s, select_series, p, engine, NULL, out);
    *found = code == SQLITE_ROW;
    return code == SQLITE_ROW || code == SQLITE_DONE ? STATUS_OK : store_raise(s, "read", err);
}

enum status store_present(struct result_store *s, int64_t series, uint64_t from, uint32_t span,
                          unsigned char *present, uint64_t *identity, struct error *err)
{
    sqlite3_stmt *q = prepared(s, SQL_PRESENT, err);
    if (q == NULL) {
        return err->code;
    }
    memset(present, 0, span);
    sqlite3_bind_int64(q, 1, series << 32 | (int64_t)from);
    sqlite3_bind_int64(q, 2, (series << 32) + (int64_t)from + span);
    int code;
    while ((code = sqlite3_step(q)) == SQLITE_ROW) {
        const size_t i = (size_t)((uint64_t)sqlite3_column_int64(q, 0) - from);
        present[i] = 1;
        identity[i] = (uint64_t)sqlite3_column_int64(q, 1);
    }
    sqlite3_reset(q);
    return code == SQLITE_DONE ? STATUS_OK : store_raise(s, "read", err);
}

/* The number of these words in the store; n bytes, NULs between them become unit separators. */
static enum status label_id(struct result_store *s, const char *words, size_t n, int64_t *out,
                            struct error *err)
{
    char *copy = malloc(n + 1);
    sqlite3_stmt *add = prepared(s, SQL_LABEL_ADD, err);
    sqlite3_stmt *find = prepared(s, SQL_LABEL, err);
    if (copy == NULL || add == NULL || find == NULL) {
        free(copy);
        return RAISE(err, ERR_MEMORY, "out of memory for words");
    }
    for (size_t i = 0; i < n; i++) {
        copy[i] = words[i] == '\0' ? '\x1f' : words[i];
    }
    sqlite3_bind_text(add, 1, copy, (int)n, SQLITE_STATIC);
    sqlite3_bind_text(find, 1, copy, (int)n, SQLITE_STATIC);
    if (step_done(s, add, err) == STATUS_OK) {
        if (sqlite3_step(find) == SQLITE_ROW) {
            *out = sqlite3_column_int64(find, 0);
        } else {
            store_raise(s, "read", err);
        }
    }
    sqlite3_reset(find);
    sqlite3_clear_bindings(add);
    sqlite3_clear_bindings(find);
    free(copy);
    return err->code;
}

static void bind_number(sqlite3_stmt *q, int at, double value)
{
    if (isnan(value)) {
        sqlite3_bind_null(q, at);
    } else {
        sqlite3_bind_double(q, at, value);
    }
}

enum status store_insert(struct result_store *s, int64_t series, const struct batch *b,
                         struct error *err)
{
    sqlite3_stmt *q = prepared(s, SQL_INSERT, err);
    int64_t *labels = calloc(b->n_labels + 1, sizeof *labels);
    if (q == NULL || labels == NULL) {
        free(labels);
        return RAISE(err, ERR_MEMORY, "out of memory for words");
    }
    size_t at = 0;
    for (uint32_t i = 0; i < b->n_labels && err->code == STATUS_OK; i++) {
        const size_t start = at;
        for (int k = 0; k < LABELS; k++) {
            at += strlen(b->labels.data + at) + 1;
        }
        label_id(s, b->labels.data + start, at - start, &labels[i], err);
    }
    at = 0;
    for (uint32_t i = 0; i < b->n_records && err->code == STATUS_OK; i++) {
        struct record r;
        const char *status;
        const unsigned char *packed;
        batch_next(b, &at, &r, &status, &packed);
        sqlite3_bind_int64(q, 1, series << 32 | (int64_t)r.point);
        sqlite3_bind_int64(q, 2, (int64_t)r.identity);
        sqlite3_bind_int64(q, 3, labels[r.label]);
        for (int k = 0; k < PLAINS; k++) {
            bind_number(q, 4 + k, r.plain[k]);
        }
        sqlite3_bind_text(q, 8, r.status_size > 0 ? status : NULL, (int)r.status_size,
                          SQLITE_STATIC);
        sqlite3_bind_blob(q, 9, packed, (int)r.packed_size, SQLITE_STATIC);
        step_done(s, q, err);
    }
    free(labels);
    return err->code;
}

enum status store_remember(struct result_store *s, int64_t series, bool *any, struct error *err)
{
    char sql[800];
    snprintf(sql, sizeof sql,
             "CREATE TEMP TABLE IF NOT EXISTS known(identity INTEGER PRIMARY KEY, id INTEGER);"
             "DELETE FROM temp.known;"
             "INSERT OR IGNORE INTO temp.known SELECT r.identity, r.id FROM series me"
             " JOIN series other ON other.engine = me.engine AND other.seed = me.seed"
             " AND other.version = me.version AND other.commit_ = me.commit_"
             " AND other.numbers = me.numbers AND other.series <> me.series"
             " JOIN result r ON r.id >= other.series << 32 AND r.id < (other.series + 1) << 32"
             " WHERE me.series = %lld",
             (long long)series);
    int64_t count = 0;
    if (execute(s, sql, "read", err) == STATUS_OK &&
        query_number(s, "SELECT EXISTS (SELECT 1 FROM temp.known)", &count, err) == STATUS_OK) {
        *any = count > 0;
    }
    return err->code;
}

enum status store_reuse(struct result_store *s, int64_t series, uint64_t point, uint64_t identity,
                        const char *scenario, bool *found, struct error *err)
{
    *found = false;
    sqlite3_stmt *known = prepared(s, SQL_KNOWN, err);
    if (known == NULL) {
        return err->code;
    }
    sqlite3_bind_int64(known, 1, (int64_t)identity);
    const int code = sqlite3_step(known);
    if (code != SQLITE_ROW) {
        sqlite3_reset(known);
        return code == SQLITE_DONE ? STATUS_OK : store_raise(s, "read", err);
    }
    /* The scenario's name is no input of a result: the new one stands in the copy. */
    const int64_t id = sqlite3_column_int64(known, 0);
    const char *words = (const char *)sqlite3_column_text(known, 1);
    const char *rest = words != NULL ? strchr(words, '\x1f') : NULL;
    struct text label = {0};
    text_puts(&label, scenario);
    text_puts(&label, rest != NULL ? rest : "");
    sqlite3_reset(known);
    int64_t number = 0;
    sqlite3_stmt *copy = prepared(s, SQL_COPY, err);
    if (copy != NULL && label_id(s, label.data, label.size, &number, err) == STATUS_OK) {
        sqlite3_bind_int64(copy, 1, series << 32 | (int64_t)point);
        sqlite3_bind_int64(copy, 2, number);
        sqlite3_bind_int64(copy, 3, id);
        *found = step_done(s, copy, err) == STATUS_OK;
    }
    text_free(&label);
    return err->code;
}

/* ---------------------------------------------------------------- runs */

static void bind_now(sqlite3_stmt *q, int at)
{
    char words[32];
    struct tm tm;
    const time_t now = time(NULL);
    gmtime_r(&now, &tm);
    strftime(words, sizeof words, "%Y-%m-%dT%H:%M:%SZ", &tm);
    bind_text(q, at, words);
}

static enum status add_limits(struct result_store *s, const struct provenance *p, int64_t run,
                              struct error *err)
{
    sqlite3_stmt *q = NULL;
    if (sqlite3_prepare_v2(s->db, "INSERT OR REPLACE INTO limits VALUES(?1,?2,?3,?4)", -1, &q,
                           NULL) != SQLITE_OK) {
        return store_raise(s, "write", err);
    }
    sqlite3_bind_int64(q, 1, run);
    sqlite3_bind_double(q, 2, p->limits.deadline_s);
    sqlite3_bind_double(q, 3, p->limits.budget_usd);
    sqlite3_bind_double(q, 4, p->confidence);
    step_done(s, q, err);
    sqlite3_finalize(q);
    return err->code;
}

enum status store_run_begin(struct result_store *s, const struct provenance *p, int64_t *run,
                            struct error *err)
{
    static const char sql[] =
        "INSERT INTO run(scenario, name, path, version, commit_, prices, profile, seed, engines,"
        " points, shard, shards, command, host, started)"
        " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15)";
    sqlite3_stmt *q = NULL;
    if (sqlite3_prepare_v2(s->db, sql, -1, &q, NULL) != SQLITE_OK) {
        return store_raise(s, "write", err);
    }
    bind_hash(q, 1, p->hashes.scenario);
    bind_text(q, 2, p->scenario_name);
    bind_text(q, 3, p->scenario_path);
    bind_text(q, 4, p->version);
    bind_text(q, 5, p->commit);
    bind_hash(q, 6, p->hashes.prices);
    bind_hash(q, 7, p->hashes.profile);
    sqlite3_bind_double(q, 8, p->hashes.seed);
    bind_text(q, 9, p->predict && p->simulate ? "both" : p->simulate ? "simulate" : "predict");
    sqlite3_bind_int64(q, 10, (int64_t)p->points);
    sqlite3_bind_int64(q, 11, p->shard);
    sqlite3_bind_int64(q, 12, p->shards);
    bind_text(q, 13, p->command);
    bind_text(q, 14, p->host);
    bind_now(q, 15);
    if (step_done(s, q, err) == STATUS_OK) {
        *run = sqlite3_last_insert_rowid(s->db);
    }
    sqlite3_finalize(q);
    return err->code == STATUS_OK ? add_limits(s, p, *run, err) : err->code;
}

enum status store_run_end(struct result_store *s, int64_t run, const struct sweep_counts *n,
                          struct error *err)
{
    sqlite3_stmt *q = NULL;
    if (sqlite3_prepare_v2(s->db,
                           "UPDATE run SET ended=?1, todo=?2, kept=?3, reused=?4, computed=?5,"
                           " skipped=?6, failed=?7 WHERE run=?8",
                           -1, &q, NULL) != SQLITE_OK) {
        return store_raise(s, "write", err);
    }
    const uint64_t counts[] = {n->points, n->kept, n->reused, n->computed, n->skipped, n->failed};
    bind_now(q, 1);
    for (int i = 0; i < 6; i++) {
        sqlite3_bind_int64(q, 2 + i, (int64_t)counts[i]);
    }
    sqlite3_bind_int64(q, 8, run);
    step_done(s, q, err);
    sqlite3_finalize(q);
    return err->code;
}
