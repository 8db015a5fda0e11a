/* Fuzz target of one importer, FUZZ_KIND. Beyond not crashing, what it gives must hold together:
 * every line is a row, a bad line or of no interest; the trace is a CSV the project reads back;
 * and guessing the kind never misbehaves.
 */
#include "calibration/calibration.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool truth)
{
    if (!truth) {
        abort();
    }
}

static void count(void *context, const struct bad_line *bad)
{
    demand(bad->line > 0 || bad->text[0] == '\0');
    ++*(uint64_t *)context;
}

static void check(const char *kind, const uint8_t *data, size_t size)
{
    static const char *const maps[] = {"a=duration_ms", "b=op"};
    uint64_t bad = 0;
    const bool csv = kind != NULL && kind[0] == 'c' && kind[1] == 's';
    const struct import_options options = {.kind = kind,
                                           .bad_line = count,
                                           .context = &bad,
                                           .maps = maps,
                                           .n_maps = csv && size % 2 == 1 ? 2 : 0};
    struct import_report report;
    struct error err = {0};
    struct text out = {0};
    const enum status code = import_memory("input", data, size, &out, &options, &report, &err);
    demand(bad == report.bad_lines);
    demand(code == STATUS_OK || err.message[0] != '\0');
    if (code != STATUS_OK) {
        text_free(&out);
        return;
    }
    demand(report.rows > 0);
    struct table table;
    const enum status read = table_parse("trace", out.data, out.size, &table, &err);
    demand(read == STATUS_OK);
    demand(table.n_rows == report.rows);
    for (size_t c = 0; c < table.n_columns; c++) {
        const enum trace_column column = trace_column_find(table.columns[c]);
        demand(column < TRACE_COLUMNS);
        for (size_t r = 0; r < table.n_rows && !trace_column_is_text(column); r++) {
            double value;
            demand(table_number(&table, r, c, &value, &err) == STATUS_OK);
        }
    }
    table_free(&table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check(FUZZ_KIND, data, size);
    check(NULL, data, size);
    return 0;
}
