/* Version, commit, hashes, seed, command line and host of results. */
#include "cli/provenance.h"
#include "cli/results.h"

#include <string.h>
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
        text_printf(out, "\n%s  \"%s\": ", indent, texts[i].key);
        text_json_string(out, texts[i].text);
        text_puts(out, ",");
    }
    text_printf(out, "\n%s  \"seed\": ", indent);
    text_number(out, run->seed);
    text_printf(out, ",\n%s  \"points\": %llu\n%s}", indent, (unsigned long long)run->points,
                indent);
}
