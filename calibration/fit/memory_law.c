/* Time against configured memory: t = a + b / min(M / mib_per_vcpu, cap), in vCPUs.
 *
 * a + b/M is what Naik's Table 5 supports; single-threaded code stops
 * gaining at one vCPU. The cap is a kink, so it is searched between the memory sizes and then
 * refined; it counts as found when it lowers AIC by more than 2 against the law without one. Three
 * sizes cannot place a kink; then one vCPU is tried, the cap of single-threaded code.
 */
#include "calibration/fit/thin.h"

#include <math.h>

struct law {
    const struct thin *rows;
    double mib_per_vcpu, cap; /* cap 0: the third parameter */
};

static enum status predict(void *context, const double *theta, double *out, struct error *err)
{
    (void)err;
    const struct law *const l = context;
    const double cap = l->cap > 0 ? l->cap : theta[2];
    for (size_t i = 0; i < l->rows->n; i++) {
        out[i] = theta[0] + theta[1] / fmin(l->rows->first[i] / l->mib_per_vcpu, cap);
    }
    return STATUS_OK;
}

static enum status fit_with(const struct thin *rows, double mib_per_vcpu, double cap,
                            struct ls_result *out, struct error *err)
{
    struct law law = {rows, mib_per_vcpu, cap};
    const double low = rows->first[0] / mib_per_vcpu;
    const double high = rows->first[rows->n - 1] / mib_per_vcpu;
    const double work = rows->measured[0] * fmin(low, cap > 0 ? cap : high);
    const struct ls_parameter parameters[] = {
        {"fixed_s", rows->measured[rows->n - 1] * 0.1, 0, HUGE_VAL},
        {"work_s", work, 0, HUGE_VAL},
        {"cap_vcpu", sqrt(low * high), low, high},
    };
    const struct ls_problem problem = {.parameters = parameters,
                                       .n_parameters = cap > 0 ? 2 : 3,
                                       .measured = rows->measured,
                                       .n = rows->n,
                                       .predict = predict,
                                       .context = &law,
                                       .residual = LS_LOG,
                                       .loss = LS_HUBER,
                                       .starts = cap > 0 ? 0 : 12};
    return ls_fit(&problem, out, err);
}

enum status memory_law_fit(size_t n, const double *memory_mib, const double *time_s,
                           double mib_per_vcpu, double cap_vcpu, struct memory_law *out,
                           struct error *err)
{
    struct thin rows;
    *out = (struct memory_law){0};
    if (thin_make(n, memory_mib, NULL, time_s, &rows, err) != STATUS_OK) {
        return err->code;
    }
    size_t sizes = n > 0 ? 1 : 0;
    for (size_t i = 1; i < rows.n; i++) {
        sizes += rows.first[i] > rows.first[i - 1] ? 1 : 0;
    }
    if (sizes < 2 || rows.first[0] <= 0) {
        RAISE(err, ERR_INPUT, "a memory law needs at least two memory sizes, found %zu", sizes);
        thin_free(&rows);
        return err->code;
    }
    const double no_cap = 2 * rows.first[rows.n - 1] / mib_per_vcpu;
    enum status code =
        fit_with(&rows, mib_per_vcpu, cap_vcpu > 0 ? cap_vcpu : no_cap, &out->fit, err);
    if (code == STATUS_OK && cap_vcpu <= 0 && sizes >= 4) {
        struct ls_result kinked;
        code = fit_with(&rows, mib_per_vcpu, 0, &kinked, err);
        if (code == STATUS_OK && kinked.aic < out->fit.aic - 2 && !kinked.parameter[2].at_bound) {
            out->fit = kinked;
            out->cap_found = true;
        }
    }
    /* Too few sizes to search a cap: but single-threaded code has one known beforehand. */
    bool one_vcpu = false;
    if (code == STATUS_OK && cap_vcpu <= 0 && sizes < 4 && rows.first[rows.n - 1] > mib_per_vcpu) {
        struct ls_result single;
        code = fit_with(&rows, mib_per_vcpu, 1, &single, err);
        one_vcpu = code == STATUS_OK && single.aic < out->fit.aic - 2;
        out->fit = one_vcpu ? single : out->fit;
    }
    thin_free(&rows);
    if (code != STATUS_OK) {
        return code;
    }
    cap_vcpu = one_vcpu ? 1 : cap_vcpu;
    out->fixed_s = out->fit.parameter[0];
    out->work_s = out->fit.parameter[1];
    out->cap_vcpu = out->cap_found
                        ? out->fit.parameter[2]
                        : (struct estimate){.name = "cap_vcpu",
                                            .value = cap_vcpu > 0 ? cap_vcpu : (double)NAN,
                                            .low = NAN,
                                            .high = NAN,
                                            .standard_error = NAN};
    out->serial_share = out->fixed_s.value / (out->fixed_s.value + out->work_s.value);
    return STATUS_OK;
}
