/* Result rows: one list of columns, written as CSV and JSON at full precision. */
#include "model/model.h"

#include <math.h>
#include <string.h>

const struct column columns[] = {
#define TEXT_(name, help) {#name, help, true, offsetof(struct row, name)},
#define NUMBER_(name, help) {#name, help, false, offsetof(struct row, name)},
    COLUMN_LIST(TEXT_, NUMBER_)
#undef TEXT_
#undef NUMBER_
        {NULL, NULL, false, 0},
};

size_t column_count(void)
{
    return sizeof columns / sizeof columns[0] - 1;
}

int column_find(const char *name)
{
    for (int i = 0; columns[i].name != NULL; i++) {
        if (strcmp(columns[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

struct expression_value row_value(const struct row *row, int column)
{
    const char *at = (const char *)row + columns[column].offset;
    struct expression_value value = {NAN, NULL};
    if (columns[column].text) {
        memcpy(&value.text, at, sizeof value.text);
    } else {
        memcpy(&value.number, at, sizeof value.number);
    }
    return value;
}

void row_init(struct row *row)
{
#define TEXT_(name, help) row->name = "";
#define NUMBER_(name, help) row->name = NAN;
    COLUMN_LIST(TEXT_, NUMBER_)
#undef TEXT_
#undef NUMBER_
    row->status_text[0] = '\0';
    row->feasible = false;
}

static const char *const reading_words[READINGS] = {
#define X(name, word) [name] = word,
    READING_LIST(X)
#undef X
};

void row_fill(struct row *row, const struct config *c, const struct tally *t,
              const struct ledger *ledger)
{
    row->scenario = c->name;
    row->system = c->system.protocol->name;
    row->variant = c->system.variant;
    row->reading = reading_words[c->system.reading];
    row->platform = c->platform.name;
    row->store = c->stores[STORE_EXCHANGE].name;
    row->algorithm = c->workload.algorithm_name;
    row->dataset = c->workload.dataset;
    row->workers = c->workers;
    row->memory_mib = c->platform.memory_mib;
    row->iterations = c->workload.rounds;
    if (t == NULL) {
        return;
    }
    row->status = "ok";
    row->feasible = true;
    row->time_s = t->time_s;
    row->iteration_s = t->iteration_s;
    row->startup_s = t->category_s[CATEGORY_STARTUP];
    row->load_s = t->category_s[CATEGORY_LOAD];
    row->compute_s = t->category_s[CATEGORY_COMPUTE];
    row->exchange_s = t->category_s[CATEGORY_EXCHANGE];
    row->wait_s = t->category_s[CATEGORY_WAIT];
    row->checkpoint_s = t->category_s[CATEGORY_CHECKPOINT];
    row->invocations = t->invocations;
    row->requests_put = row->requests_get = row->requests_list = row->bytes_moved = 0;
    for (int s = 0; s < STORE_USES; s++) {
        row->requests_put += t->requests[s][REQUEST_PUT];
        row->requests_get += t->requests[s][REQUEST_GET];
        row->requests_list += t->requests[s][REQUEST_LIST];
        row->bytes_moved += t->bytes_put[s] + t->bytes_get[s];
    }
    double billed_s = 0;
    for (int r = 0; r < ROLE_LIMIT; r++) {
        billed_s += t->billed_s[r];
    }
    row->billed_gb_s = billed_s * c->platform.memory_mib / 1024;
    row->bound = t->bound;
    if (ledger != NULL) {
        row->cost_usd = money_usd(ledger->total);
        row->cost_compute_usd = money_usd(ledger->by_kind[COST_COMPUTE]);
        row->cost_requests_usd = money_usd(ledger->by_kind[COST_REQUESTS]);
        row->cost_storage_usd = money_usd(ledger->by_kind[COST_STORAGE]);
        row->cost_services_usd = money_usd(ledger->by_kind[COST_SERVICES]);
    }
}

void text_row_csv_header(struct text *out)
{
    for (int i = 0; columns[i].name != NULL; i++) {
        text_printf(out, "%s%s", i > 0 ? "," : "", columns[i].name);
    }
    text_puts(out, "\n");
}

void text_row_csv(struct text *out, const struct row *row)
{
    for (int i = 0; columns[i].name != NULL; i++) {
        const struct expression_value value = row_value(row, i);
        text_puts(out, i > 0 ? "," : "");
        if (value.text != NULL) {
            text_csv(out, value.text);
        } else if (!isnan(value.number)) {
            text_number(out, value.number);
        }
    }
    text_puts(out, "\n");
}

void text_row_json(struct text *out, const struct row *row)
{
    text_puts(out, "{");
    bool first = true;
    for (int i = 0; columns[i].name != NULL; i++) {
        const struct expression_value value = row_value(row, i);
        text_printf(out, "%s\n    \"%s\": ", first ? "" : ",", columns[i].name);
        first = false;
        if (value.text != NULL) {
            text_json_string(out, value.text);
        } else if (isfinite(value.number)) {
            text_number(out, value.number);
        } else {
            text_puts(out, "null");
        }
    }
    text_puts(out, "\n  }");
}
