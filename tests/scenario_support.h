/* Scenarios written by tests: a small MetaFaaS one, with more JSON laid over it. */
#ifndef TESTS_SCENARIO_SUPPORT_H
#define TESTS_SCENARIO_SUPPORT_H

#include "tests/support.h"

#include "model/model.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const scenario_text =
    "\"system\": {\"name\": \"metafaas\"},\n"
    "\"workload\": {\"algorithm\": \"maml\", \"dataset\": \"omniglot\", \"backbone\": "
    "\"conv4-64\", \"meta_batch\": 24, \"iterations\": 300},\n"
    "\"compute\": {\"unit_s\": 0.37},\n"
    "\"platform\": {\"use\": \"aws-lambda-2022-06\", \"workers\": 7, \"memory_mib\": 2385},\n"
    "\"store\": {\"use\": \"s3-standard-2022\"},\n"
    "\"prices\": {\"use\": \"aws-us-east-1-2022-06\"}";

struct folder {
    char path[64];
};

static inline struct folder folder_make(void)
{
    struct folder f = {"/tmp/faascast-test-XXXXXX"};
    assert_non_null(mkdtemp(f.path));
    return f;
}

static inline void folder_put(const struct folder *f, const char *name, const char *text)
{
    char path[256];
    struct error err = {0};
    snprintf(path, sizeof path, "%s/%s", f->path, name);
    assert_ok(file_write(path, text, strlen(text), &err), &err);
}

static inline void folder_remove(const struct folder *f)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", f->path);
    assert_int_equal(system(command), 0);
}

/* The small scenario with `more` (members of the root, or "") laid over it by an include. */
static inline enum status scenario_make(const struct folder *f, const char *more,
                                        struct scenario *out, struct error *err)
{
    struct text t = {0};
    char path[128];
    text_printf(&t, "{\"format\": 1, \"name\": \"small\",\n%s}\n", scenario_text);
    folder_put(f, "base.json", t.data);
    text_free(&t);
    text_printf(&t, "{\"include\": [\"base.json\"]%s%s}\n", more[0] != '\0' ? ",\n" : "", more);
    folder_put(f, "scenario.json", t.data);
    text_free(&t);
    snprintf(path, sizeof path, "%s/scenario.json", f->path);
    const struct scenario_options options = {.data_dir = FAASCAST_ROOT "/scenarios"};
    return scenario_load(path, &options, out, err);
}

#endif
