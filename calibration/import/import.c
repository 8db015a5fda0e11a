/* The table of importers, guessing the kind of a file, and writing the trace without leaving half
 * of one behind.
 */
#include "calibration/import/row.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct importer *const importers[] = {
    &cloudwatch_importer, &s3_access_importer, &power_tuning_importer,
    &lithops_importer,    &csv_importer,
};
enum { IMPORTERS = sizeof importers / sizeof importers[0] };

const char *importer_name(size_t i)
{
    return i < IMPORTERS ? importers[i]->name : NULL;
}

const char *importer_help(size_t i)
{
    return i < IMPORTERS ? importers[i]->help : NULL;
}

static enum status importer_find(const char *kind, const struct importer **out, struct error *err)
{
    const char *names[IMPORTERS];
    for (size_t i = 0; i < IMPORTERS; i++) {
        names[i] = importers[i]->name;
        if (strcmp(kind, names[i]) == 0) {
            *out = importers[i];
            return STATUS_OK;
        }
    }
    const char *const near = nearest_name(kind, names, IMPORTERS);
    return RAISE(err, ERR_USAGE,
                 "unknown kind '%s': expected cloudwatch, s3-access, power-tuning, lithops or "
                 "csv%s%s%s",
                 kind, near != NULL ? "; did you mean '" : "", near != NULL ? near : "",
                 near != NULL ? "'?" : "");
}

/* The one importer that is surest; two equally sure ones leave the question to the user. */
static enum status importer_guess(struct source *source, const struct importer **out,
                                  struct error *err)
{
    const char *text;
    size_t size;
    const enum status code = source_peek(source, &text, &size, err);
    if (code != STATUS_OK) {
        return code;
    }
    int best = 0, ties = 0;
    for (size_t i = 0; i < IMPORTERS; i++) {
        const int sure = importers[i]->guess(text, size);
        ties = sure > best ? 0 : ties + (sure == best && sure > 0 ? 1 : 0);
        if (sure > best) {
            best = sure;
            *out = importers[i];
        }
    }
    if (best == 0 || ties > 0) {
        return RAISE(err, ERR_INPUT,
                     "'%s' %s; say --as cloudwatch, s3-access, power-tuning, lithops or csv",
                     source_name(source),
                     best == 0 ? "looks like no kind of file known here"
                               : "could be more than one kind of file");
    }
    return STATUS_OK;
}

static enum status import_source(struct source *source, struct sink *sink,
                                 const struct import_options *options, struct import_report *report,
                                 struct error *err)
{
    const struct importer *importer = NULL;
    const bool mapped = options->n_maps > 0 || options->n_constants > 0;
    enum status code = STATUS_OK;
    if (options->kind != NULL && options->kind[0] != '\0') {
        code = importer_find(options->kind, &importer, err);
    } else if (mapped) { /* only plain CSV has columns to map */
        importer = &csv_importer;
    } else {
        code = importer_guess(source, &importer, err);
    }
    if (code != STATUS_OK) {
        return code;
    }
    report->kind = importer->name;
    if (mapped && importer != &csv_importer) {
        return RAISE(err, ERR_USAGE, "maps are for plain CSV; '%s' is read as %s",
                     source_name(source), importer->name);
    }
    struct import *const in = calloc(1, sizeof *in);
    if (in == NULL || !sink_start(sink)) {
        free(in);
        return RAISE(err, ERR_MEMORY, "no memory to import '%s'", source_name(source));
    }
    *in = (struct import){.source = source, .sink = sink, .options = options, .report = report};
    code = importer->run(in, err);
    free(in);
    const bool written = sink_finish(sink);
    report->bytes = source_bytes(source);
    report->lines = source_lines(source);
    if (code == STATUS_OK && !written) {
        code = RAISE(err, ERR_IO, "cannot write the trace: %s", strerror(errno));
    }
    if (code == STATUS_OK && report->rows == 0) {
        code = RAISE(err, ERR_INPUT, "'%s': not one row for a trace (%s; %llu lines, %llu bad)",
                     source_name(source), importer->help, (unsigned long long)report->lines,
                     (unsigned long long)report->bad_lines);
    }
    return code;
}

enum status import_memory(const char *name, const void *data, size_t size, struct text *out,
                          const struct import_options *options, struct import_report *report,
                          struct error *err)
{
    struct source *source = NULL;
    *report = (struct import_report){0};
    enum status code = source_open_memory(name, data, size, &source, err);
    if (code == STATUS_OK) {
        struct sink sink = {.text = out};
        code = import_source(source, &sink, options, report, err);
        source_close(source);
    }
    return code;
}

/* Write under a temporary name beside the final one; devices and pipes are written into. */
static enum status import_to_path(struct source *source, const char *out_path,
                                  const struct import_options *options,
                                  struct import_report *report, struct error *err)
{
    struct stat info;
    const bool special = stat(out_path, &info) == 0 && !S_ISREG(info.st_mode);
    struct text name = {0};
    text_printf(&name, "%s.%ld.tmp", out_path, (long)getpid());
    if (name.failed) {
        text_free(&name);
        return RAISE(err, ERR_MEMORY, "out of memory writing %s", out_path);
    }
    FILE *const file = fopen(special ? out_path : name.data, "w");
    if (file == NULL) {
        text_free(&name);
        return RAISE(err, ERR_IO, "cannot write %s: %s", out_path, strerror(errno));
    }
    struct sink sink = {.file = file};
    enum status code = import_source(source, &sink, options, report, err);
    const bool kept = fflush(file) == 0 && (special || fsync(fileno(file)) == 0);
    if ((fclose(file) != 0 || !kept) && code == STATUS_OK) {
        code = RAISE(err, ERR_IO, "cannot write %s: %s", out_path, strerror(errno));
    }
    if (code == STATUS_OK && !special && rename(name.data, out_path) != 0) {
        code = RAISE(err, ERR_IO, "cannot write %s: %s", out_path, strerror(errno));
    }
    if (code != STATUS_OK && !special) {
        unlink(name.data);
    }
    text_free(&name);
    return code;
}

enum status import_file(const char *path, const char *out_path,
                        const struct import_options *options, struct import_report *report,
                        struct error *err)
{
    struct source *source = NULL;
    *report = (struct import_report){0};
    enum status code = source_open(path, &source, err);
    if (code != STATUS_OK) {
        return code;
    }
    if (strcmp(out_path, "-") == 0) {
        struct sink sink = {.file = stdout};
        code = import_source(source, &sink, options, report, err);
        if (fflush(stdout) != 0 && code == STATUS_OK) {
            code = RAISE(err, ERR_IO, "cannot write to standard output: %s", strerror(errno));
        }
    } else {
        code = import_to_path(source, out_path, options, report, err);
    }
    source_close(source);
    return code;
}
