/* MetaFaaS: learning to learn on serverless, BiDEDE 2022, section 6 and equations 3 to 5, 11, 12.
 *
 * Workers are functions; the tasks of one meta-batch are spread over them. Per outer iteration:
 *   1. every worker adapts ceil(MBS / w) tasks (inner loop, then the query gradient) and writes its
 *      outer gradient to a temporary object on S3                                  (UL-grad);
 *   2. one worker reads all temporary objects in turn, merges them                 (merge-read)
 *      and writes one merged object                                                (UL-merged);
 *   3. every other worker reads the merged object                                  (DL-merged);
 *   4. all workers update their parameters.
 * Tasks come from EFS (section 3) or, in equation 4, from S3: that is the choice of data store.
 *
 *   literal:  t_comm = (w + 3)(L + m / B) + w gamma m          minimal:  (w + 2)(L + m / B) + ...
 *
 * The printed equations leave some twenty points open. Each has a name here, and each can be set to
 * what the paper prints or to what its protocol says; "reading" is what the chosen equation has.
 * They matter for the readings resolved, eq4, eq5, eq11 and eq12 only (model/readings.c). */
#include "model/protocols/metafaas.h"
#include "model/protocols/emit.h"
#include "model/protocols/registry.h"

static enum status emit(const struct config *c, struct program *p, struct error *err)
{
    static const struct merge_words words = {"UL-grad", "merge-read", "UL-merged", "DL-merged"};
    (void)err;
    emit_merge_by_one(p, c, &words, emit_option(c, METAFAAS_VARIANT) == METAFAAS_MINIMAL);
    return STATUS_OK;
}

#define AMBIGUITY(text)                                                                            \
    .kind = OPTION_CHOICE, .choices = {"reading", "printed", "resolved"}, .maximum = 2, .help = text

const struct protocol protocol_metafaas = {
    .name = "metafaas",
    .summary = "meta-learning tasks on functions, gradients merged by one of them over S3",
    .source = "MetaFaaS, BiDEDE 2022, sections 3 and 6",
    .options =
        {
            [METAFAAS_VARIANT] = {.name = "variant",
                                  .help = "the merger uploads its own gradients too, or keeps them",
                                  .kind = OPTION_CHOICE,
                                  .maximum = 1,
                                  .choices = {"literal", "minimal"}},
            [METAFAAS_M1] = {.name = "m1_restarts",
                             AMBIGUITY("x = I / (iterations in one limit), or its ceiling")},
            [METAFAAS_M4] = {.name = "m4_latency",
                             AMBIGUITY("one store latency per iteration, or one per request")},
            [METAFAAS_M5] = {.name = "m5_exchange",
                             AMBIGUITY("exchange inside the bracket MBS / w, or once per round")},
            [METAFAAS_M6] = {.name = "m6_iterations", AMBIGUITY("1 / x, or I / x")},
            [METAFAAS_M7] = {.name = "m7_load_save",
                             AMBIGUITY("loading and saving the model left out, or kept")},
            [METAFAAS_M8] = {.name = "m8_backward",
                             AMBIGUITY("4 m t c1 once per invocation, or for each task")},
            [METAFAAS_M9] = {.name = "m9_inner_steps",
                             AMBIGUITY("(1 + AS) t / 2 taken AS times again, or once")},
            [METAFAAS_M12] = {.name = "m12_count",
                              AMBIGUITY("m in c4 (m + N + 6 N^2) in MB, or in parameters")},
            [METAFAAS_M13] = {.name = "m13_data",
                              AMBIGUITY("tasks at the bandwidth of S3, or from the data store")},
            [METAFAAS_M14] = {.name = "m14_one_worker",
                              AMBIGUITY("3w - 2 charges one transfer at w = 1, or none")},
            [METAFAAS_M17] = {.name = "m17_shares",
                              AMBIGUITY("3w - 2 transfers of m, or of m / w as in LambdaML")},
            [METAFAAS_M18] = {.name = "m18_start",
                              AMBIGUITY("start-up grows with w, or is one constant")},
        },
    .stores = 1U << STORE_EXCHANGE | 1U << STORE_DATA,
    .readings = 1U << READING_RESOLVED | 1U << READING_EQ4 | 1U << READING_EQ5 |
                1U << READING_EQ11 | 1U << READING_EQ12,
    .emit = emit,
};
