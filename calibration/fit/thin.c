/* A systematic sample in sorted order: it keeps the shares of every cell and, within a cell, the
 * quantiles of the measured value.
 */
#include "calibration/fit/thin.h"

#include <math.h>
#include <stdlib.h>

struct row {
    double second, first, measured;
};

static int by_cell(const void *a, const void *b)
{
    const struct row *const x = a, *const y = b;
    if (x->second != y->second) {
        return x->second < y->second ? -1 : 1;
    }
    if (x->first != y->first) {
        return x->first < y->first ? -1 : 1;
    }
    return (x->measured > y->measured) - (x->measured < y->measured);
}

enum status thin_make(size_t n, const double *first, const double *second, const double *measured,
                      struct thin *out, struct error *err)
{
    *out = (struct thin){0};
    struct row *const rows = malloc((n > 0 ? n : 1) * sizeof *rows);
    const size_t kept = n < THIN_ROWS ? n : THIN_ROWS;
    double *const block = malloc((kept > 0 ? kept : 1) * 3 * sizeof *block);
    if (rows == NULL || block == NULL) {
        free(rows);
        free(block);
        return RAISE(err, ERR_MEMORY, "no memory for %zu rows", n);
    }
    for (size_t i = 0; i < n; i++) {
        rows[i] = (struct row){second != NULL ? second[i] : 0, first[i], measured[i]};
        if (!(measured[i] > 0 && isfinite(measured[i])) ||
            !(rows[i].first >= 0 && isfinite(rows[i].first)) ||
            !(rows[i].second >= 0 && isfinite(rows[i].second))) {
            RAISE(err, ERR_INPUT, "row %zu: %g at %g: expected a positive time and finite sizes",
                  i + 1, measured[i], first[i]);
            free(rows);
            free(block);
            return err->code;
        }
    }
    qsort(rows, n, sizeof *rows, by_cell);
    *out = (struct thin){.n = kept,
                         .first = block,
                         .second = second != NULL ? block + kept : NULL,
                         .measured = block + 2 * kept};
    for (size_t i = 0; i < kept; i++) {
        const struct row *const r = &rows[kept == n ? i : (2 * i + 1) * n / (2 * kept)];
        block[i] = r->first;
        block[kept + i] = r->second;
        block[2 * kept + i] = r->measured;
    }
    free(rows);
    return STATUS_OK;
}

void thin_free(struct thin *t)
{
    free(t->first);
    *t = (struct thin){0};
}
