/* Rows of stores to files, some thousand at a time. */
#include "cli/export.h"
#include "cli/provenance.h"

#include <string.h>

enum { PIECE = 1 << 18 };

enum status export_form(const struct cli *cli, enum export_form *out, struct error *err)
{
    static const struct {
        const char *end;
        enum export_form form;
    } ends[] = {{".csv", EXPORT_CSV}, {".json", EXPORT_JSON}, {".db", EXPORT_STORE}};
    const char *file = cli_option(cli, "o");
    *out = cli->format == FORMAT_CSV    ? EXPORT_CSV
           : cli->format == FORMAT_JSON ? EXPORT_JSON
                                        : EXPORT_TABLE;
    if (file == NULL || strcmp(file, "-") == 0) {
        return STATUS_OK;
    }
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        if (text_ends(file, ends[i].end)) {
            *out = ends[i].form;
            return STATUS_OK;
        }
    }
    return cli_option(cli, "format") != NULL
               ? STATUS_OK
               : RAISE(err, ERR_USAGE,
                       "-o %s: the end .csv, .json or .db says what to write (or --format csv)",
                       file);
}

static void table_header(struct text *out)
{
    text_printf(out, "%9s  %-8s  %-22s %7s %10s  %14s %10s  %s\n", "point", "engine", "system",
                "workers", "memory_mib", "time", "USD", "status");
}

static void table_row(struct text *out, const struct row *row)
{
    struct text time = {0};
    struct text cost = {0};
    text_puts(&time, row->bound > 0 ? "<= " : "");
    text_time(&time, row->time_s);
    text_dollars(&cost, row->cost_usd);
    text_printf(out, "%9.0f  %-8s  %-22.22s %7.0f %10.0f  %14s %10s  %.80s\n", row->point,
                row->engine, row->system, row->workers, row->memory_mib,
                time.data != NULL ? time.data : "", cost.data != NULL ? cost.data : "",
                row->status);
    text_free(&time);
    text_free(&cost);
}

static void begin(struct text *out, enum export_form form, const struct stored_run *run)
{
    if (form == EXPORT_CSV) {
        text_row_csv_header(out);
    } else if (form == EXPORT_TABLE) {
        table_header(out);
    } else if (form == EXPORT_JSON) {
        text_puts(out, "{\n  \"faascast\": \"" FAASCAST_VERSION "\",\n  \"provenance\": ");
        text_provenance(out, run, "  ");
        text_puts(out, ",\n  \"rows\": [");
    }
}

static enum status emit(struct file_out *f, struct text *out, struct error *err)
{
    if (out->failed) {
        return RAISE(err, ERR_MEMORY, "out of memory for rows");
    }
    if (out->size > 0) {
        file_append(f, out->data, out->size, err);
    }
    out->size = 0;
    return err->code;
}

static enum status write_rows(struct export *e, struct row_reader *r, struct file_out *f,
                              struct error *err)
{
    struct text out = {0};
    bool more = true;
    begin(&out, e->form, row_reader_run(r));
    while (err->code == STATUS_OK) {
        struct row row;
        if (row_reader_next(r, &row, &more, err) != STATUS_OK || !more) {
            break;
        }
        if (e->where != NULL && !cli_row_is(e->where, &row)) {
            continue;
        }
        e->failed = e->failed || (e->fail_if != NULL && cli_row_is(e->fail_if, &row));
        if (e->form == EXPORT_CSV) {
            text_row_csv(&out, &row);
        } else if (e->form == EXPORT_JSON) {
            text_puts(&out, e->rows > 0 ? ", " : "");
            text_row_json(&out, &row);
        } else if (e->form == EXPORT_TABLE) {
            table_row(&out, &row);
        }
        e->rows++;
        e->feasible += row.feasible;
        if (out.size >= PIECE) {
            emit(f, &out, err);
        }
    }
    if (e->form == EXPORT_JSON) {
        text_puts(&out, "]\n}\n");
    }
    if (err->code == STATUS_OK) {
        emit(f, &out, err);
    }
    text_free(&out);
    return err->code;
}

static enum status write_sidecar(const char *file, const struct stored_run *run, struct error *err)
{
    struct text name = {0};
    struct text out = {0};
    text_printf(&name, "%s.provenance.json", file);
    text_provenance(&out, run, "");
    text_puts(&out, "\n");
    if (name.failed || out.failed) {
        RAISE(err, ERR_MEMORY, "out of memory for the provenance of %s", file);
    } else {
        file_write(name.data, out.data, out.size, err);
    }
    text_free(&name);
    text_free(&out);
    return err->code;
}

enum status export_rows(struct export *e, struct error *err)
{
    struct row_reader *r = NULL;
    struct file_out f = {.fd = -1};
    e->rows = e->feasible = 0;
    e->failed = false;
    if (row_reader_open(e->paths, e->n_paths, e->run, &r, err) != STATUS_OK) {
        return err->code;
    }
    if (e->form == EXPORT_STORE) {
        row_reader_copy(r, e->file, e->where, &e->rows, err);
    } else if (e->form == EXPORT_NOTHING) {
        write_rows(e, r, &f, err);
    } else if (file_begin(&f, e->file != NULL ? e->file : "-", err) == STATUS_OK &&
               write_rows(e, r, &f, err) == STATUS_OK && file_finish(&f, err) == STATUS_OK &&
               e->form == EXPORT_CSV && e->file != NULL && strcmp(e->file, "-") != 0) {
        write_sidecar(e->file, row_reader_run(r), err);
    }
    file_abandon(&f);
    row_reader_close(r);
    return err->code;
}
