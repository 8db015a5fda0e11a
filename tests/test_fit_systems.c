/* Recovery: tables made from known constants of each system's law are fitted back, and the 95 %
 * intervals hold the truth as often as they claim.
 */
#include "calibration/calibration.h"
#include "tests/support.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SEEDS = 200, ROWS = 16 };

/* A law with constants of the size the papers give, the rows of its table, and which column is the
 * measured one. */
struct known {
    const char *law;
    double truth[4];
    size_t response;        /* column */
    const char *rows[ROWS]; /* the other cells, "*" for the measured one */
};

static const struct known known[] = {
    {"metafaas",
     {0.5, 0.3, 0.08, 0.02},
     3,
     {"1,16,1,*", "2,16,1,*", "4,16,1,*", "8,16,1,*", "16,16,1,*", "1,16,3,*", "2,16,3,*",
      "4,16,3,*", "8,16,3,*", "16,16,3,*", "1,16,5,*", "4,16,5,*", "8,16,5,*", "16,16,5,*",
      "12,16,5,*", NULL}},
    {"smlt",
     {1.5, 0.026},
     1,
     {"10,*", "20,*", "40,*", "60,*", "80,*", "100,*", "150,*", "200,*", NULL}},
    {"feng",
     {7.1, 0.54, 0.169},
     1,
     {"1-5-22-100,*,50", "1-100,*,50", "1-2-100,*,50", "1-5-100,*,50", "1-25-100,*,50",
      "1-2-10-100,*,50", "1-5-50-100,*,50", "1-10-50-100,*,50", "1-2-10-50-100,*,50",
      "1-5-20-50-100,*,50", "1-2-4-8-16-32-100,*,50", "1-2-4-16-100,*,50", NULL}},
    {"naik-memory",
     {7.6, 42},
     2,
     {"3,60,*", "4,60,*", "5,56,*", "6,60,*", "7,60,*", "8,60,*", "9,60,*", "10,60,*", NULL}},
    {"naik-steps",
     {57, 12},
     0,
     {"*,4", "*,9", "*,15", "*,20", "*,25", "*,31", "*,37", "*,42", "*,47", "*,51", "*,55", "*,68",
      NULL}},
    {"naik-rounds",
     {860, 8},
     2,
     {"1,45,*", "2,36,*", "4,30,*", "8,25,*", "12,22,*", "16,21,*", "24,19,*", "32,17,*", NULL}},
};

static void split(char *line, const char **cells, size_t columns)
{
    for (size_t k = 0; k < columns; k++) {
        cells[k] = line;
        line += strcspn(line, ",");
        if (*line != '\0') {
            *line++ = '\0';
        }
    }
}

/* The table of one seed: what the law says, times a factor near 1. */
static void make_table(const struct known *k, const struct system_law *law, gsl_rng *random,
                       double spread, struct table *out, struct error *err)
{
    struct text csv = {0};
    size_t columns = 0;
    for (; law->columns[columns] != NULL; columns++) {
        text_printf(&csv, "%s%s", columns > 0 ? "," : "", law->columns[columns]);
    }
    text_puts(&csv, "\n");
    for (size_t i = 0; k->rows[i] != NULL; i++) {
        char line[128];
        const char *cells[6];
        double f[LS_PARAMETERS], unit = 0, value = 0;
        snprintf(line, sizeof line, "%s", k->rows[i]);
        split(line, cells, columns);
        cells[k->response] = "1";
        assert_true(law->row(cells, f, &unit)); /* measured values are linear in this cell */
        for (size_t p = 0; law->parameters[p] != NULL; p++) {
            value += k->truth[p] * f[p];
        }
        value *= (1 + gsl_ran_gaussian(random, spread)) / unit;
        for (size_t c = 0; c < columns; c++) {
            text_puts(&csv, c > 0 ? "," : "");
            if (c == k->response) {
                text_number(&csv, value);
            } else {
                text_puts(&csv, cells[c]);
            }
        }
        text_puts(&csv, "\n");
    }
    assert_false(csv.failed);
    assert_ok(table_parse("made.csv", csv.data, csv.size, out, err), err);
}

static void recover(const struct known *k)
{
    const struct system_law *const law = system_law_find(k->law);
    size_t held[4] = {0}, all = 0, parameters = 0;
    assert_non_null(law);
    while (law->parameters[parameters] != NULL) {
        parameters++;
    }
    gsl_rng *const random = gsl_rng_alloc(gsl_rng_mt19937);
    for (size_t seed = 0; seed < SEEDS; seed++) {
        struct table table;
        struct system_fit fit;
        struct error err = {0};
        gsl_rng_set(random, 1000 + seed);
        make_table(k, law, random, 0.01, &table, &err);
        assert_ok(system_fit_table(&table, law, NULL, &fit, &err), &err);
        for (size_t p = 0; p < parameters; p++) {
            const struct estimate *const e = &fit.fit.parameter[p];
            held[p] += e->low <= k->truth[p] && k->truth[p] <= e->high ? 1 : 0;
        }
        table_free(&table);
    }
    gsl_rng_free(random);
    for (size_t p = 0; p < parameters; p++) {
        all += held[p];
        print_message("  %s, %s: %.1f %% of %d\n", k->law, law->parameters[p],
                      100.0 * (double)held[p] / SEEDS, SEEDS);
        assert_in_range(held[p], 0.90 * SEEDS, SEEDS);
    }
    const double share = (double)all / (double)(SEEDS * parameters);
    if (share < 0.92 || share > 0.98) {
        fail_msg("%s: intervals hold the truth in %.1f %% of the cases", k->law, 100 * share);
    }
}

static void every_law_is_recovered(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        recover(&known[i]);
    }
}

/* Errors of every row predicted by a fit to the others, one fit for each. */
static void leave_out_by_hand(const struct system_law *law, const struct table *t, double *mean,
                              double *worst, size_t *at_zero)
{
    double features[ROWS * LS_PARAMETERS], measured[ROWS];
    size_t p = 0, columns = 0, at[6];
    struct error err = {0};
    while (law->parameters[p] != NULL) {
        p++;
    }
    for (; law->columns[columns] != NULL; columns++) {
        assert_ok(table_column(t, law->columns[columns], &at[columns], &err), &err);
    }
    for (size_t i = 0; i < t->n_rows; i++) {
        const char *cells[6];
        for (size_t k = 0; k < columns; k++) {
            cells[k] = table_cell(t, i, at[k]);
        }
        assert_true(law->row(cells, features + i * p, &measured[i]));
    }
    *mean = *worst = 0;
    for (size_t out = 0; out < t->n_rows; out++) {
        double a[ROWS * LS_PARAMETERS], ones[ROWS], x[LS_PARAMETERS], predicted = 0;
        size_t n = 0;
        for (size_t i = 0; i < t->n_rows; i++) {
            for (size_t k = 0; i != out && k < p; k++) {
                a[n * p + k] = features[i * p + k] / measured[i];
            }
            ones[n] = 1;
            n += i != out ? 1 : 0;
        }
        assert_ok(nnls(n, p, a, ones, x, &err), &err);
        for (size_t k = 0; k < p; k++) {
            predicted += x[k] * features[out * p + k] / measured[out];
            *at_zero += x[k] <= 0;
        }
        *mean += fabs(predicted - 1) / (double)t->n_rows;
        *worst = fmax(*worst, fabs(predicted - 1));
    }
}

static void a_row_left_out_by_its_leverage_is_left_out(void **state)
{
    (void)state;
    size_t at_zero = 0;
    gsl_rng *const random = gsl_rng_alloc(gsl_rng_mt19937);
    for (size_t i = 0; i < 20 * sizeof known / sizeof known[0]; i++) {
        const struct known *const k = &known[i / 20];
        const struct system_law *const law = system_law_find(k->law);
        struct table table;
        struct system_fit fit;
        struct error err = {0};
        double mean, worst;
        gsl_rng_set(random, 7 + i);
        make_table(k, law, random, 0.15, &table, &err); /* so wide that constants fall to 0 */
        assert_ok(system_fit_table(&table, law, NULL, &fit, &err), &err);
        leave_out_by_hand(law, &table, &mean, &worst, &at_zero);
        assert_close(fit.loo_mape, mean, 1e-8);
        assert_close(fit.loo_max, worst, 1e-8);
        table_free(&table);
    }
    gsl_rng_free(random);
    assert_true(at_zero > 0); /* the case of the bound was among them */
}

/* MLLess's own cost model has more constants than its workers can tell: 1, p - 1 and p. */
static void constants_that_cannot_be_told_apart_are_named(void **state)
{
    (void)state;
    static const char text[] = "workers,step_s\n4,0.9\n8,1.3\n12,1.7\n16,2.1\n24,2.9\n48,5.3\n";
    struct table table;
    struct system_fit fit;
    struct error err = {0};
    char *const own = malloc(sizeof text);
    assert_non_null(own);
    memcpy(own, text, sizeof text);
    assert_ok(table_parse("made.csv", own, sizeof text - 1, &table, &err), &err);
    assert_ok(system_fit_table(&table, system_law_find("mlless"), NULL, &fit, &err), &err);
    assert_int_equal(fit.fit.ambiguities, 1);
    assert_string_equal(fit.fit.ambiguity[0].text,
                        "these cannot be told apart: th0_s, th2_s, th1_s");
    for (size_t k = 0; k < 3; k++) {
        assert_true(fit.fit.parameter[k].unidentified);
        assert_true(isnan(fit.fit.parameter[k].low));
    }
    table_free(&table);
}

int main(void)
{
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_law_is_recovered),
        cmocka_unit_test(a_row_left_out_by_its_leverage_is_left_out),
        cmocka_unit_test(constants_that_cannot_be_told_apart_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
