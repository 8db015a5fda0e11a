/* A store: latency per operation, and bandwidth when the sizes differ. */
#include "calibration/fit/target.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static enum status fit_store_op(struct entry *e, const char *op, uint32_t label, double *bandwidth,
                                double *bandwidth_n, struct error *err)
{
    struct rows r;
    if (rows_make(e->trace, label, TRACE_duration_s, TRACE_size_bytes, TRACE_memory_mib, &r, err) !=
        STATUS_OK) {
        return err->code;
    }
    enum status code = STATUS_OK;
    double smallest = HUGE_VAL, largest = 0;
    for (size_t i = 0; i < r.n; i++) {
        smallest = fmin(smallest, r.b[i]);
        largest = fmax(largest, r.b[i]);
    }
    *bandwidth = NAN;
    if (largest > 4 * fmax(smallest, 1) && largest > 65536) {
        /* Sizes differ: latency is what is left of the smaller transfers. */
        struct transfer_law law;
        code = transfer_fit(r.n, r.b, r.a, NULL, 0, &law, err);
        char key[80];
        snprintf(key, sizeof key, "%s_transfer", op);
        if (code == STATUS_OK) {
            const struct estimate both[] = {law.latency_s, law.bytes_per_s, law.cap_bytes_per_s};
            entry_detail(e, key, both, isnan(law.cap_bytes_per_s.value) ? 2 : 3);
            *bandwidth = isnan(law.cap_bytes_per_s.value) ? law.bytes_per_s.value
                                                          : law.cap_bytes_per_s.value;
            *bandwidth_n = (double)r.n;
        }
        bool *const keep = calloc(r.n + 1, sizeof *keep);
        if (code == STATUS_OK && keep == NULL) {
            code = RAISE(err, ERR_MEMORY, "no memory for %zu rows", r.n);
        }
        for (size_t i = 0; code == STATUS_OK && i < r.n; i++) {
            const double moving = r.b[i] / law.bytes_per_s.value;
            /* Where the transfer is most of the time, its noise would pass for latency. */
            keep[i] = moving < 0.2 * r.a[i];
            r.a[i] -= moving;
        }
        if (code == STATUS_OK) {
            code = rows_keep(&r, keep, err);
        }
        free(keep);
    }
    char key[80];
    snprintf(key, sizeof key, "%s%slatency_s", op, op[0] != '\0' ? "_" : "");
    if (code == STATUS_OK && r.n >= 4) {
        code = fit_distribution(e, key, &r, err);
    } else if (code == STATUS_OK) {
        code = RAISE(err, ERR_INPUT, "%s: %zu row%s of '%s' with a latency, four are needed",
                     e->trace->path, r.n, r.n == 1 ? "" : "s", op);
    }
    rows_free(&r);
    return code;
}

enum status fit_store(struct entry *e, struct error *err)
{
    static const char *const known[] = {"get", "put", "list"};
    uint32_t ops[64];
    const size_t n = operations(e->trace, ops, 64);
    double bandwidth = HUGE_VAL, rows = 0;
    if (e->trace->number[TRACE_duration_s] == NULL) {
        return RAISE(err, ERR_INPUT, "%s: a store needs duration_s", e->trace->path);
    }
    for (size_t k = 0; k < n; k++) {
        const char *const op = e->trace->labels[ops[k]];
        bool wanted = op[0] == '\0';
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
            wanted = wanted || strcmp(op, known[i]) == 0;
        }
        if (!wanted) {
            entry_say(e, "'%s': not fitted, a store has get, put and list\n", op);
            continue;
        }
        double one = NAN, one_rows = 0;
        if (fit_store_op(e, op, ops[k], &one, &one_rows, err) != STATUS_OK) {
            return err->code;
        }
        if (!isnan(one) && one < bandwidth) {
            bandwidth = one;
            rows = one_rows;
        }
    }
    if (e->values.size == 0) {
        return RAISE(err, ERR_INPUT, "%s: no row with op get, put or list", e->trace->path);
    }
    if (isfinite(bandwidth)) {
        const struct estimate slowest = {
            .name = "connection_bytes_per_s", .value = bandwidth, .low = NAN, .high = NAN};
        entry_number(e, "connection_bytes_per_s", &slowest, (size_t)rows,
                     "the slower of the operations");
    }
    return STATUS_OK;
}
