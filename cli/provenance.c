/* Version, commit, hashes, seed, command line and host of results. */
#include "cli/provenance.h"
#include "cli/results.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *command_line(const struct cli *cli, struct arena *a)
{
    struct text t = {0};
    for (int i = 0; i < cli->argc; i++) {
        const char *word = cli->argv[i];
        const bool plain = word[0] != '\0' && strpbrk(word, " \t\n'\"\\$*?<>|&;()[]{}!`") == NULL;
        text_puts(&t, i > 0 ? " " : "");
        text_puts(&t, plain ? "" : "'");
        for (const char *p = word; *p != '\0'; p++) {
            text_puts(&t, *p == '\'' ? "'\\'" : "");
            text_append(&t, p, 1);
        }
        text_puts(&t, plain ? "" : "'");
    }
    const char *copy = t.failed ? NULL : arena_copy(a, t.data, t.size);
    text_free(&t);
    return copy;
}

enum status provenance_of(const struct cli *cli, const struct scenario *s, struct arena *a,
                          struct provenance *out, struct error *err)
{
    char host[256] = "unknown";
    gethostname(host, sizeof host - 1);
    *out = (struct provenance){.version = FAASCAST_VERSION,
                               .commit = FAASCAST_COMMIT,
                               .command = command_line(cli, a),
                               .host = arena_copy(a, host, strlen(host)),
                               .scenario_path = s->path,
                               .scenario_name = s->name,
                               .points = s->points,
                               .shard = 1,
                               .shards = 1,
                               .predict = true};
    if (out->command == NULL || out->host == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory for the command line");
    }
    return results_limits(s, &out->limits, &out->confidence, err) == STATUS_OK
               ? scenario_fingerprints(s, &out->hashes, err)
               : err->code;
}

void text_provenance(struct text *out, const struct stored_run *run, const char *indent)
{
    const struct {
        const char *key, *text;
    } texts[] = {
        {"faascast", run->version},       {"commit", run->commit},
        {"scenario", run->path},          {"name", run->name},
        {"scenario_hash", run->scenario}, {"prices_hash", run->prices},
        {"profile_hash", run->profile},   {"engines", run->engines},
        {"command", run->command},        {"host", run->host},
        {"started", run->started},        {"ended", run->ended},
    };
    text_puts(out, "{");
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (texts[i].text == NULL) {
            continue; /* no time of day */
        }
        text_printf(out, "\n%s  \"%s\": ", indent, texts[i].key);
        text_json_string(out, texts[i].text);
        text_puts(out, ",");
    }
    text_printf(out, "\n%s  \"seed\": ", indent);
    text_number(out, run->seed);
    text_printf(out, ",\n%s  \"points\": %llu\n%s}", indent, (unsigned long long)run->points,
                indent);
}

enum status text_provenance_now(struct text *out, const struct cli *cli, const struct scenario *s,
                                const char *engines, double seed, struct error *err)
{
    struct arena a = {0};
    struct provenance p;
    if (provenance_of(cli, s, &a, &p, err) == STATUS_OK) {
        struct stored_run run = {.name = (char *)p.scenario_name,
                                 .path = (char *)p.scenario_path,
                                 .command = (char *)p.command,
                                 .host = (char *)p.host,
                                 .version = (char *)p.version,
                                 .commit = (char *)p.commit,
                                 .engines = (char *)engines,
                                 .seed = isnan(seed) ? p.hashes.seed : seed,
                                 .points = p.points};
        const struct {
            char *hash;
            uint64_t value;
        } hashes[] = {{run.scenario, p.hashes.scenario},
                      {run.prices, p.hashes.prices},
                      {run.profile, p.hashes.profile}};
        for (size_t i = 0; i < 3; i++) {
            snprintf(hashes[i].hash, sizeof run.scenario, "%016llx",
                     (unsigned long long)hashes[i].value);
        }
        text_provenance(out, &run, "  ");
    }
    arena_free(&a);
    return err->code;
}

/* "scenario_hash": "..." of the object, for the line on a terminal. */
static void print_member(const char *object, const char *key, const char *word)
{
    const char *at = strstr(object, key);
    const char *from = at != NULL ? strchr(at + strlen(key), ':') : NULL;
    const char *to = from != NULL ? strpbrk(from, ",\n") : NULL;
    if (to != NULL) {
        fprintf(stderr, "%s%.*s", word, (int)(to - from - 1), from + 1);
    }
}

enum status cli_write_result(const struct cli *cli, struct text *result,
                             const struct text *provenance, struct error *err)
{
    const char *path = cli_option(cli, "o");
    struct stat found;
    if (cli_write(cli, result, err) != STATUS_OK || cli->format == FORMAT_JSON ||
        provenance->size == 0) {
        return err->code;
    }
    if (path == NULL) {
        if (cli->format == FORMAT_TABLE && cli->progress && isatty(STDOUT_FILENO)) {
            print_member(provenance->data, "\"scenario_hash\"", "scenario");
            print_member(provenance->data, "\"prices_hash\"", ", prices");
            print_member(provenance->data, "\"profile_hash\"", ", profile");
            print_member(provenance->data, "\"seed\"", ", seed");
            fprintf(stderr, ", faascast %s (%s)\n", FAASCAST_VERSION, FAASCAST_COMMIT);
        }
        return STATUS_OK;
    }
    if (stat(path, &found) == 0 && S_ISREG(found.st_mode)) { /* not beside a device */
        struct text name = {0};
        struct text out = {0};
        text_printf(&name, "%s.provenance.json", path);
        text_append(&out, provenance->data, provenance->size);
        text_puts(&out, "\n");
        if (name.failed || out.failed) {
            RAISE(err, ERR_MEMORY, "out of memory for the provenance of %s", path);
        } else {
            file_write(name.data, out.data, out.size, err);
        }
        text_free(&name);
        text_free(&out);
    }
    return err->code;
}
