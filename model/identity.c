/* What the result of a configuration depends on, as one number of 64 bits.
 *
 * The sum, over the words of the struct, of a mixed hash of (place, word): changing one number of a
 * configuration changes the sum by the difference of two terms, so that a sweep pays for the axes
 * that move and not for the struct (the idea of Zobrist, 1970). Texts and tables count by content.
 * Everything in the struct counts unless it is left out here by name, so that a field added later
 * can cause a result to be computed again, never an old one to be taken for a new one. Two
 * different configurations are taken for the same with a chance of 2^-64.
 */
#include "model/scenario.h"

#include <string.h>

enum { WORDS = sizeof(struct config) / sizeof(uint64_t) };
_Static_assert(sizeof(struct config) % sizeof(uint64_t) == 0, "a configuration is whole words");
#define AT(member) offsetof(struct config, member)

/* David Stafford's variant 13 of the finaliser of MurmurHash3. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static uint64_t term(size_t offset, uint64_t word)
{
    return mix(word ^ mix((offset + 1) * UINT64_C(0x9e3779b97f4a7c15)));
}

static bool within(size_t offset, size_t from, size_t size)
{
    return offset >= from && offset < from + size;
}

/* Names that no result carries; for the closed form, all that only the simulator plays; stores the
 * system does not use (the exchange and data stores are priced in any case). */
static bool left_out(const struct config *c, bool simulated, size_t offset)
{
    static const enum store_use optional[] = {STORE_MESSAGE, STORE_NETWORK};
    if (offset == AT(name) || offset == AT(file) || offset == AT(compute.profile) ||
        offset == AT(simulation.seed)) {
        return true;
    }
    if (!simulated && (within(offset, AT(simulation), sizeof c->simulation) ||
                       within(offset, AT(constraints), sizeof c->constraints))) {
        return true;
    }
    for (size_t i = 0; i < sizeof optional / sizeof optional[0]; i++) {
        const size_t from = AT(stores) + (size_t)optional[i] * sizeof c->stores[0];
        if ((c->system.protocol->stores >> optional[i] & 1) == 0 &&
            within(offset, from, sizeof c->stores[0])) {
            return true;
        }
    }
    return false;
}

static uint64_t identity_of_number(const struct config *c, bool simulated, size_t offset,
                                   double value)
{
    uint64_t word = 0;
    memcpy(&word, &value, sizeof word);
    return left_out(c, simulated, offset) ? 0 : term(offset, word);
}

static void put_text(uint64_t words[WORDS], size_t offset, const char *text)
{
    words[offset / sizeof *words] =
        text != NULL ? hash_bytes(HASH_SEED, text, strlen(text)) : HASH_SEED;
}

static void put_table(uint64_t words[WORDS], size_t offset, const struct quantity *q)
{
    const size_t numbers = q->kind == DISTRIBUTION_MIXTURE ? 5 * (size_t)q->count : q->count;
    words[(offset + offsetof(struct quantity, table)) / sizeof *words] =
        q->table != NULL ? hash_bytes(HASH_SEED, q->table, numbers * sizeof *q->table) : 0;
}

/* Every pointer of the struct stands here: left as an address it would differ from run to run. */
static void replace_pointers(uint64_t words[WORDS], const struct config *c)
{
    static const size_t quantities[] = {
        AT(platform.start_s),
        AT(platform.warm_start_s),
        AT(platform.framework_init_s),
        AT(platform.invoke_latency_s),
        AT(server.start_s),
        AT(server.warm_start_s),
        AT(server.framework_init_s),
        AT(server.invoke_latency_s),
        AT(compute.vcpu_ratio),
        AT(compute.framework_ratio),
        AT(simulation.instance_speed),
        AT(simulation.transfer_speed),
    };
    const struct {
        size_t offset;
        const char *text;
    } texts[] = {
        {AT(name), c->name},
        {AT(file), c->file},
        {AT(system.protocol), c->system.protocol->name},
        {AT(system.variant), c->system.variant},
        {AT(workload.algorithm_name), c->workload.algorithm_name},
        {AT(workload.dataset), c->workload.dataset},
        {AT(workload.backbone), c->workload.backbone},
        {AT(compute.profile), c->compute.profile},
        {AT(platform.name), c->platform.name},
        {AT(server.name), c->server.name},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        put_text(words, texts[i].offset, texts[i].text);
    }
    for (size_t i = 0; i < sizeof quantities / sizeof quantities[0]; i++) {
        put_table(words, quantities[i],
                  (const struct quantity *)(const void *)((const char *)c + quantities[i]));
    }
    for (size_t i = 0; i < STORE_USES; i++) {
        const size_t at = AT(stores) + i * sizeof c->stores[0];
        put_text(words, at + offsetof(struct store, name), c->stores[i].name);
        put_table(words, at + offsetof(struct store, get_latency_s), &c->stores[i].get_latency_s);
        put_table(words, at + offsetof(struct store, put_latency_s), &c->stores[i].put_latency_s);
        put_table(words, at + offsetof(struct store, list_latency_s), &c->stores[i].list_latency_s);
    }
}

uint64_t config_identity(const struct config *c, bool simulated)
{
    uint64_t words[WORDS];
    memcpy(words, c, sizeof words);
    replace_pointers(words, c);
    uint64_t sum = 0;
    for (size_t i = 0; i < WORDS; i++) {
        if (!left_out(c, simulated, i * sizeof *words)) {
            sum += term(i * sizeof *words, words[i]);
        }
    }
    return sum;
}

/* ---------------------------------------------------------------- of the points of a sweep */

void moves_find(const struct scenario *s, bool baseline, struct moves *out)
{
    *out = (struct moves){0};
    for (size_t i = 0; i < s->n_axes; i++) {
        const struct axis *axis = &s->axes[i];
        for (size_t k = 0; k < AXIS_OFFSETS; k++) {
            if (!axis->fast || axis->offsets[k] == NO_FIELD || (baseline && !axis->in_baseline)) {
                break;
            }
            size_t at = 0;
            while (at < out->count && out->offset[at] != axis->offsets[k]) {
                at++;
            }
            out->offset[at] = axis->offsets[k];
            out->axis[at] = axis; /* of two axes that set a number the later one wins */
            out->count += at == out->count;
        }
    }
}

uint64_t moves_identity(const struct moves *m, const struct config *slot, uint64_t slot_identity,
                        bool simulated, const size_t index[])
{
    uint64_t sum = slot_identity;
    for (size_t i = 0; i < m->count; i++) {
        const size_t offset = m->offset[i];
        const struct axis *axis = m->axis[i];
        double before = 0;
        memcpy(&before, (const char *)slot + offset, sizeof before);
        sum += identity_of_number(slot, simulated, offset, axis->numbers[index[axis->dimension]]) -
               identity_of_number(slot, simulated, offset, before);
    }
    return sum;
}
