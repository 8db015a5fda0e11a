/* Tells what a file of results is, and reads it. */
#include "cli/results.h"
#include "sweep/sweep.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

enum status file_first_character(const char *path, char *out, struct error *err)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        return RAISE(err, ERR_IO, "cannot open %s: %s", path, strerror(errno));
    }
    char start[4096] = "";
    const size_t n = fread(start, 1, sizeof start, f);
    fclose(f);
    size_t i = n >= 3 && memcmp(start, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    while (i < n && isspace((unsigned char)start[i])) {
        i++;
    }
    *out = i < n ? start[i] : '\0';
    return STATUS_OK;
}

static enum status read_json(const struct cli *cli, const char *path, struct results *r,
                             struct error *err)
{
    struct json *tree = NULL;
    if (json_load(&r->frame.arena, path, &tree, err) != STATUS_OK) {
        return err->code;
    }
    const struct json *rows = tree->kind == JSON_OBJECT ? json_member(tree, "rows") : tree;
    if (rows != NULL) {
        return rows->kind == JSON_ARRAY ? frame_read_json(&r->frame, path, rows, err)
                                        : JSON_RAISE(err, rows, ERR_INPUT, "expected an array");
    }
    if (r->has_scenario) {
        scenario_free(&r->scenario);
    }
    r->has_scenario = false;
    if (cli_scenario(cli, path, &r->scenario, err) != STATUS_OK) {
        return err->code;
    }
    r->has_scenario = true;
    return frame_read_scenario(&r->frame, &r->scenario, &r->constraints, err);
}

enum status results_read(const struct cli *cli, const char *path, struct results *r,
                         struct error *err)
{
    char first = '\0';
    if (file_first_character(path, &first, err) != STATUS_OK) {
        return err->code;
    }
    if (is_result_store(path)) {
        return frame_read_store(&r->frame, path, &r->constraints, &r->confidence, err);
    }
    return first == '{' || first == '[' || first == '/' ? read_json(cli, path, r, err)
                                                        : frame_read_csv(&r->frame, path, err);
}

enum status results_limits(const struct scenario *s, struct constraints *limits, double *confidence,
                           struct error *err)
{
    struct scenario_cursor cursor;
    bool skipped = false;
    if (cursor_init(&cursor, s, err) != STATUS_OK) {
        return err->code;
    }
    if (cursor_seek(&cursor, 0, &skipped, err) == STATUS_OK) {
        *limits = cursor.config.constraints;
        *confidence = cursor.config.simulation.confidence;
    }
    cursor_free(&cursor);
    return err->code;
}

void results_free(struct results *r)
{
    frame_free(&r->frame);
    if (r->has_scenario) {
        scenario_free(&r->scenario);
    }
    *r = (struct results){0};
}
