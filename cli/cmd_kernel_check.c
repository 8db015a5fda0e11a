/* kernel-check: the meta-learning kernel against reference vectors of another implementation. */
#include "calibration/calibration.h"
#include "cli/commands.h"

#include <math.h>

static const struct cli_option options[] = {
    {"path", "NAME", "implementation: best, plain, portable, avx2, avx512 (best)"},
    {NULL, NULL, NULL},
};

static void write_table(struct text *out, const struct kernel_check *c)
{
    text_printf(out, "%-36s %-8s %-14s %10s %8s\n", "case", "", "quantity", "error", "bound");
    for (size_t i = 0; i < c->count; i++) {
        const struct kernel_check_row *r = &c->rows[i];
        text_printf(out, "%-36s %-8s %-14s %10.2e %8.0e  %s\n", r->name,
                    kernel_precision_name(r->precision), r->quantity, r->error, r->bound,
                    r->error <= r->bound ? "ok" : "FAIL");
    }
    text_printf(out, "%zu of %zu within their bounds\n", c->count - c->failures, c->count);
}

static void write_csv(struct text *out, const struct kernel_check *c)
{
    text_puts(out, "case,precision,quantity,relative_error,bound,pass\n");
    for (size_t i = 0; i < c->count; i++) {
        const struct kernel_check_row *r = &c->rows[i];
        text_csv(out, r->name);
        text_printf(out, ",%s,%s,%.17g,%g,%s\n", kernel_precision_name(r->precision), r->quantity,
                    r->error, r->bound, r->error <= r->bound ? "true" : "false");
    }
}

static void write_json(struct text *out, const struct kernel_check *c)
{
    text_puts(out, "[\n");
    for (size_t i = 0; i < c->count; i++) {
        const struct kernel_check_row *r = &c->rows[i];
        text_puts(out, "  {\"case\": ");
        text_json_string(out, r->name);
        text_printf(out, ", \"precision\": \"%s\", \"quantity\": \"%s\", \"relative_error\": ",
                    kernel_precision_name(r->precision), r->quantity);
        if (isfinite(r->error)) {
            text_printf(out, "%.17g", r->error);
        } else {
            text_puts(out, "null");
        }
        text_printf(out, ", \"bound\": %g, \"pass\": %s}%s\n", r->bound,
                    r->error <= r->bound ? "true" : "false", i + 1 < c->count ? "," : "");
    }
    text_puts(out, "]\n");
}

static enum exit_code run(struct cli *cli, struct error *err)
{
    enum kernel_path path = KERNEL_PATH_BEST;
    struct kernel_check found = {0};
    struct text out = {0};
    const char *name = cli_option(cli, "path");
    if (name != NULL && kernel_path_from_name(name, &path, err) != STATUS_OK) {
        err->code = ERR_USAGE;
        return EXIT_DONE;
    }
    if (kernel_check(cli->arguments[0], path, &found, err) == STATUS_OK) {
        void (*const write[])(struct text *, const struct kernel_check *) = {
            [FORMAT_TABLE] = write_table, [FORMAT_CSV] = write_csv, [FORMAT_JSON] = write_json};
        write[cli->format](&out, &found);
        cli_write(cli, &out, err);
    }
    const bool failed = found.failures > 0;
    kernel_check_free(&found);
    return failed ? EXIT_UNMET : EXIT_DONE;
}

const struct command command_kernel_check = {
    .name = "kernel-check",
    .summary = "compare the meta-learning kernel with reference vectors",
    .arguments = "DIR",
    .examples = "faascast kernel-check tests/data/kernel\n",
    .options = options,
    .details =
        "DIR holds index.txt and raw little-endian arrays (tests/data/kernel/README.md tells the "
        "format), or is the folder of one case in such a folder. Every case runs in float64 and "
        "float32; losses, gradients, Hessian-vector products and adapted parameters are compared "
        "as whole vectors by relative L2 error, with bounds 1e-10 (float64; 1e-8 at full size) and "
        "2e-5 (float32; at full size 1e-4, from 64 pixels 5e-3). Exit status 4 when one is out of "
        "bounds.",
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run,
};
