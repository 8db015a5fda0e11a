/* new: a scenario of one's own, starting from another. */
#include "cli/commands.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct cli_option options[] = {
    {"from", "SCENARIO", "the scenario to start from"},
    {NULL, NULL, NULL},
};

static enum exit_code run(struct cli *cli, struct error *err)
{
    const char *from = cli_option(cli, "from");
    const char *name = cli->arguments[0];
    struct text path = {0};
    struct text out = {0};
    struct scenario s;
    struct stat info;
    if (from == NULL) {
        RAISE(err, ERR_USAGE, "new needs --from SCENARIO");
        return EXIT_USAGE;
    }
    text_puts(&path, name);
    if (!text_ends(name, ".json")) {
        text_puts(&path, ".json");
    }
    if (path.failed) {
        RAISE(err, ERR_MEMORY, "out of memory");
    } else if (stat(path.data, &info) == 0) {
        RAISE(err, ERR_USAGE, "%s is there already; choose another name", path.data);
    } else if (cli_scenario(cli, from, &s, err) == STATUS_OK) {
        struct json *tree = NULL;
        if (scenario_merged(&s, &tree, err) == STATUS_OK) {
            struct json *title = json_new(&s.arena, JSON_STRING, tree->origin);
            const char *slash = strrchr(name, '/');
            if (title == NULL) {
                RAISE(err, ERR_MEMORY, "out of memory");
            } else {
                title->text = slash != NULL ? slash + 1 : name;
                json_set(&s.arena, tree, "/name", title, err);
            }
            text_printf(&out, "// started from %s; faascast show schema lists every key\n", from);
            json_write(&out, tree, 2);
            text_puts(&out, "\n");
            if (err->code == STATUS_OK && !out.failed) {
                file_write(path.data, out.data, out.size, err);
            }
        }
        scenario_free(&s);
    }
    if (err->code == STATUS_OK && !cli->quiet) {
        fprintf(stderr, "wrote %s\n", path.data);
    }
    text_free(&path);
    text_free(&out);
    return EXIT_DONE;
}

const struct command command_new = {
    .name = "new",
    .summary = "a scenario of your own, started from another",
    .arguments = "NAME",
    .examples = "faascast new mine --from scenarios/metafaas/mini-imagenet-maml-5way-1shot.json\n",
    .options = options,
    .arguments_min = 1,
    .arguments_max = 1,
    .only = "json",
    .run = run,
};
