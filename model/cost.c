/* The only place money is computed. Prices are exact decimals in 1e-15 USD; amounts are integers of
 * the same unit, so that the ledger's lines add up to the total to the last digit.
 *
 * models.md section 3: C = sum over invocations [ceil(d/q) q M/1024 p_GBs + p_req + ephemeral]
 *                        + requests * price + stored GB * time * price + services + one-off copies.
 */
#include "model/model.h"

#include <math.h>
#include <string.h>

static const double month_s = 30.4375 * 86400; /* mean Gregorian month, as providers bill */
static const double gb = 1e9;
static const double most_quantity = 9e18, most_usd = 1e15; /* of one line; fits the integers */
static const double free_ephemeral_mib = 512;              /* Lambda's /tmp included in the price */

double money_usd(money amount)
{
    return (double)amount / 1e15;
}

void text_money(struct text *out, money amount)
{
    const bool negative = amount < 0;
    const money absolute = negative ? -amount : amount;
    const money unit = 1000000000000000;
    char digits[24];
    snprintf(digits, sizeof digits, "%015lld", (long long)(absolute % unit));
    size_t n = 15;
    while (n > 2 && digits[n - 1] == '0') {
        n--;
    }
    digits[n] = '\0';
    text_printf(out, "%s%lld.%s", negative ? "-" : "", (long long)(absolute / unit), digits);
}

/* price * quantity, rounded once to 1e-15 USD: quantity in billionths, exact up to 9e9 and to the
 * precision of a double above. */
static money multiply(femto_usd price, double quantity)
{
    const double whole = floor(quantity);
    const money billionths = (money)llround((quantity - whole) * 1e9);
    return (money)price * (money)whole + ((money)price * billionths + 500000000) / 1000000000;
}

struct writer {
    struct ledger *ledger;
    bool lines;
};

static void add(struct writer *w, enum cost_kind kind, const char *what, const char *where,
                const char *unit, double quantity, femto_usd price)
{
    if (quantity <= 0 || price == 0) {
        return;
    }
    struct ledger *l = w->ledger;
    if (!(quantity <= most_quantity) || money_usd(price) * quantity > most_usd) {
        l->overflow = true;
        return;
    }
    const money amount = multiply(price, quantity);
    l->total += amount;
    l->by_kind[kind] += amount;
    if (!w->lines || l->count == LEDGER_LIMIT) {
        return;
    }
    struct ledger_line *line = &l->lines[l->count++];
    line->kind = kind;
    line->quantity = quantity;
    line->price = price;
    line->amount = amount;
    snprintf(line->item, sizeof line->item, "%s%s%s", what, where[0] != '\0' ? ", " : "", where);
    snprintf(line->unit, sizeof line->unit, "%s", unit);
}

static void function_time(struct writer *w, const struct config *c, double billed_s)
{
    const struct platform *p = &c->platform;
    const struct price *price = &p->price;
    double gib_s = billed_s * p->memory_mib / 1024;
    const char *what = "function time";
    femto_usd rate = price->gib_s;
    if (p->provisioned > 0 && price->gib_s_while_provisioned > 0) {
        rate = price->gib_s_while_provisioned;
        what = "function time while provisioned";
    }
    if (c->free_tier) {
        gib_s = fmax(0, gib_s - price->free_gib_s);
    }
    if (c->tiers && price->tier_gib_s[0] > 0) {
        const double first = fmin(gib_s, price->tier_gib_s[0]);
        double second = gib_s - first;
        if (price->tier_gib_s[1] > 0) {
            second = fmin(second, price->tier_gib_s[1]);
        }
        add(w, COST_COMPUTE, what, "first tier", "GiB s", first, rate);
        add(w, COST_COMPUTE, what, "second tier", "GiB s", second, price->tier_gib_s_price[0]);
        add(w, COST_COMPUTE, what, "third tier", "GiB s", gib_s - first - second,
            price->tier_gib_s_price[1]);
    } else {
        add(w, COST_COMPUTE, what, p->name, "GiB s", gib_s, rate);
    }
    const double extra_mib = fmax(0, p->ephemeral_mib - free_ephemeral_mib);
    add(w, COST_COMPUTE, "ephemeral storage", p->name, "GiB s", billed_s * extra_mib / 1024,
        price->ephemeral_gib_s);
}

/* An hourly service alive for so long: in steps, at least the minimum. */
static double service_hours(const struct price *price, double alive_s)
{
    double s = fmax(alive_s, price->minimum_s);
    if (price->hour_granularity_s > 0) {
        s = price->hour_granularity_s * ceil(s / price->hour_granularity_s - 1e-9);
    }
    return s / 3600;
}

static void hosts(struct writer *w, const struct config *c, const struct program *p,
                  const struct tally *t)
{
    double billed_s = 0;
    for (uint32_t r = 0; r < p->n_roles; r++) {
        const struct role *role = &p->roles[r];
        if (role->host == HOST_CLIENT || role->lifetime == LIFETIME_GUEST) {
            continue;
        }
        const struct platform *host = role->host == HOST_SERVER ? &c->server : &c->platform;
        if (role->host == HOST_WORKER && host->kind == PLATFORM_FUNCTION) {
            billed_s += t->billed_s[r];
            continue;
        }
        const double hours = service_hours(&host->price, t->host_s[r] / role->actors);
        add(w, role->host == HOST_SERVER ? COST_SERVICES : COST_COMPUTE, role->name, host->name,
            "h", role->actors * hours, host->price.hour);
    }
    if (c->platform.kind != PLATFORM_FUNCTION) {
        return;
    }
    const struct price *price = &c->platform.price;
    function_time(w, c, billed_s);
    double invocations = t->invocations;
    if (c->free_tier) {
        invocations = fmax(0, invocations - price->free_invocations);
    }
    add(w, COST_REQUESTS, "invocations", c->platform.name, "request", invocations,
        price->invocation);
    const double five_minutes = 300;
    add(w, COST_COMPUTE, "provisioned concurrency", c->platform.name, "GiB s",
        c->platform.provisioned * c->platform.memory_mib / 1024 * five_minutes *
            ceil(t->time_s / five_minutes),
        price->provisioned_gib_s);
    add(w, COST_SERVICES, "network gateway", c->platform.name, "h", t->time_s / 3600,
        price->surcharge_hour);
}

static void store(struct writer *w, const struct config *c, const struct tally *t,
                  enum store_use use)
{
    const struct store *s = &c->stores[use];
    const struct price *price = &s->price;
    const double nodes = s->nodes > 1 ? s->nodes : 1;
    const bool data = use == STORE_DATA;
    add(w, COST_REQUESTS, data ? "data PUT" : "PUT", s->name, "request",
        price->put_unit_bytes > 0 ? t->units_put[use] : t->requests[use][REQUEST_PUT], price->put);
    add(w, COST_REQUESTS, data ? "data GET" : "GET", s->name, "request",
        price->get_unit_bytes > 0 ? t->units_get[use] : t->requests[use][REQUEST_GET], price->get);
    add(w, COST_REQUESTS, data ? "data LIST" : "LIST", s->name, "request",
        t->requests[use][REQUEST_LIST], price->list);
    add(w, COST_STORAGE, "transfer in", s->name, "GB", t->bytes_put[use] / gb, price->put_gb);
    add(w, COST_STORAGE, "transfer out", s->name, "GB", t->bytes_get[use] / gb, price->get_gb);
    const double used = t->requests[use][REQUEST_PUT] + t->requests[use][REQUEST_GET];
    if (used > 0) {
        add(w, COST_SERVICES, "service", s->name, "h", nodes * service_hours(price, t->time_s),
            price->hour);
        add(w, COST_SERVICES, "network gateway", s->name, "h", t->time_s / 3600,
            price->surcharge_hour);
    }
    double gb_months = 0;
    if (use == STORE_EXCHANGE) {
        gb_months += t->stored_byte_s / gb / month_s;
    }
    if (use == STORE_DATA) {
        gb_months += c->workload.dataset_bytes / gb * c->storage_month_share;
        add(w, COST_STORAGE, "data copied once", s->name, "GB", c->workload.dataset_bytes / gb,
            price->once_gb);
    }
    add(w, COST_STORAGE, "stored", s->name, "GB month", gb_months, price->gb_month);
}

void cost_compute(const struct config *c, const struct program *p, const struct tally *t,
                  bool lines, struct ledger *out)
{
    out->count = 0;
    out->total = 0;
    out->overflow = false;
    memset(out->by_kind, 0, sizeof out->by_kind);
    struct writer w = {.ledger = out, .lines = lines};
    hosts(&w, c, p, t);
    for (enum store_use use = 0; use < STORE_USES; use++) {
        store(&w, c, t, use);
    }
}
