/* A plan over ten million configurations on one core: workers 1 to 1000 by every size of memory a
 * function has, with bounds and without. Both must give the same front. */
#include "model/search.h"

#include <gsl/gsl_errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* the machine may be shared */
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static enum status plan(const char *path, const char *const *sets, size_t n_sets, bool oracle,
                        struct error *err)
{
    struct scenario s;
    struct search search;
    const struct scenario_options options = {
        .data_dir = FAASCAST_ROOT "/scenarios", .sets = sets, .n_sets = n_sets, .plan = true};
    if (scenario_load(path, &options, &s, err) != STATUS_OK) {
        return err->code;
    }
    if (search_open(&search, &s, err) == STATUS_OK) {
        struct search_front fronts[2] = {{0}};
        double calls[2] = {0};
        double seconds[2] = {0};
        for (int all = 0; all < 1 + oracle && err->code == STATUS_OK; all++) {
            const struct search_options how = {.threads = 1, .exhaustive = all};
            const double start = now_s();
            search_pareto(&search, &how, &fronts[all], &calls[all], err);
            seconds[all] = now_s() - start;
        }
        bool same = fronts[0].count == fronts[1].count;
        for (size_t i = 0; i < fronts[0].count && same; i++) {
            const struct search_point *a = &fronts[0].points[i];
            const struct search_point *b = &fronts[1].points[i];
            same = a->time_s == b->time_s && a->cost_usd == b->cost_usd &&
                   a->workers == b->workers && a->memory_mib == b->memory_mib &&
                   a->choice == b->choice;
        }
        if (err->code == STATUS_OK) {
            printf("%-28s %11.0f %9.2f %10.0f %8zu", search.choices[0].config.system.protocol->name,
                   search.configurations, seconds[0], calls[0], fronts[0].count);
            if (oracle) {
                printf(" %9.2f %8.1f %s", seconds[1], seconds[1] / seconds[0],
                       same ? "same front" : "ANOTHER FRONT");
            }
            printf("\n");
            fflush(stdout);
        }
        search_front_free(&fronts[0]);
        search_front_free(&fronts[1]);
        search_close(&search);
    }
    scenario_free(&s);
    return err->code;
}

int main(int argc, char **argv)
{
    /* plan [--oracle] [SYSTEM]: the exhaustive search takes half a minute a system, half an hour
     * for an asynchronous one. */
    const bool oracle = argc > 1 && strcmp(argv[1], "--oracle") == 0;
    const char *only = argc > 1 + oracle ? argv[1 + oracle] : NULL;
    gsl_set_error_handler_off();
    printf("%-28s %11s %9s %10s %8s%s\n", "system", "configs", "seconds", "evaluated", "front",
           oracle ? "   without    ratio" : "");
    for (size_t k = 0; protocols[k] != NULL; k++) {
        char name[96];
        struct error err = {0};
        if (only != NULL && strcmp(only, protocols[k]->name) != 0) {
            continue;
        }
        snprintf(name, sizeof name, "/system/name=%s", protocols[k]->name);
        const char *sets[2] = {name, "/system/structure=[1,4,16]"};
        if (plan(FAASCAST_ROOT "/bench/systems.json", sets, protocols[k]->takes_structure ? 2 : 1,
                 oracle, &err) != STATUS_OK) {
            char message[1200];
            error_format(&err, message, sizeof message);
            printf("%-28s %s\n", protocols[k]->name, message);
        }
    }
    return 0;
}
