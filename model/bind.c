/* From a resolved tree to the configuration struct: tables do the sections, this file what is not a
 * plain number: the system and its options, price classes, algorithms, profiles. */
#include "model/config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const algorithm_words[] = {
    [ALGORITHM_MAML] = "maml", [ALGORITHM_FOMAML] = "fomaml", [ALGORITHM_ANIL] = "anil",
    [ALGORITHM_ALFA] = "alfa", [ALGORITHM_EALFA] = "ealfa",   [ALGORITHM_SGD] = "sgd",
};
enum { ALGORITHMS = sizeof algorithm_words / sizeof algorithm_words[0] };

static const char *const reading_words[READINGS] = {
#define X(name, word) [name] = word,
    READING_LIST(X)
#undef X
};

static void mark_notes(struct json *object)
{
    static const char *const notes[] = {"source", "date", "status", "note", "use"};
    for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++) {
        struct json *node = json_member(object, notes[i]);
        if (node != NULL) {
            json_mark_read(node);
        }
    }
}

/* The index of a text among words; ERR_INPUT naming the nearest. */
static enum status choose(struct json *node, const char *const *words, size_t count,
                          const char *what, size_t *out, struct error *err)
{
    const char *text = NULL;
    if (value_text(node, &text, err) != STATUS_OK) {
        return err->code;
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(words[i], text) == 0) {
            *out = i;
            return STATUS_OK;
        }
    }
    const char *near = nearest_name(text, words, count);
    if (near != NULL) {
        return JSON_RAISE(err, node, ERR_INPUT, "no %s \"%.60s\", did you mean \"%s\"?", what, text,
                          near);
    }
    struct text all = {0};
    for (size_t i = 0; i < count; i++) {
        text_printf(&all, "%s%s", i > 0 ? ", " : "", words[i]);
    }
    JSON_RAISE(err, node, ERR_INPUT, "no %s \"%.60s\", expected one of %s", what, text,
               all.data != NULL ? all.data : "");
    text_free(&all);
    return err->code;
}

static struct json *section_node(struct json *tree, const char *name, struct error *err)
{
    struct json *node = json_member(tree, name);
    if (node == NULL) {
        return NULL;
    }
    node->read = true;
    if (node->kind != JSON_OBJECT) {
        JSON_RAISE(err, node, ERR_INPUT, "expected an object");
        return NULL;
    }
    mark_notes(node);
    return node;
}

/* ---------------------------------------------------------------- system */

static enum status read_option(const struct option_spec *spec, struct json *node, double *out,
                               struct error *err)
{
    if (spec->kind == OPTION_CHOICE) {
        size_t n = 0;
        while (n < sizeof spec->choices / sizeof spec->choices[0] && spec->choices[n] != NULL) {
            n++;
        }
        size_t index = 0;
        if (choose(node, spec->choices, n, spec->name, &index, err) == STATUS_OK) {
            *out = (double)index;
        }
        return err->code;
    }
    const struct field f = {
        .key = spec->name,
        .type = spec->kind == OPTION_BOOL    ? FIELD_BOOL
                : spec->kind == OPTION_COUNT ? FIELD_COUNT
                                             : FIELD_NUMBER,
        .offset = {0, NO_FIELD, NO_FIELD},
        .minimum = spec->minimum,
        .maximum = spec->maximum,
        .help = spec->help,
    };
    bool flag = false;
    double number = 0;
    void *base = spec->kind == OPTION_BOOL ? (void *)&flag : (void *)&number;
    if (value_field(NULL, &f, node, base, err) == STATUS_OK) {
        *out = spec->kind == OPTION_BOOL ? (double)flag : number;
    }
    return err->code;
}

static enum status read_structure(struct json *node, struct system *s, struct error *err)
{
    struct json *list = value_unwrap(node, err);
    if (list == NULL) {
        return err->code;
    }
    if (list->kind != JSON_ARRAY || list->count < 2 || list->count > STRUCTURE_LIMIT) {
        return JSON_RAISE(err, list, ERR_INPUT,
                          "expected a list of 2 to %d instance counts, root first, such as "
                          "[1, 5, 22, 100]",
                          STRUCTURE_LIMIT);
    }
    double before = 1;
    for (struct json *item = list->first; item != NULL; item = item->next) {
        item->read = true;
        const bool root = item == list->first;
        if (item->kind != JSON_NUMBER || item->number != floor(item->number) ||
            item->number < before || item->number > 1e6 || (root && item->number != 1)) {
            return JSON_RAISE(err, item, ERR_INPUT, "%s",
                              root ? "the root must be 1"
                                   : "expected a whole number not below the level above it");
        }
        before = item->number;
        s->structure[s->structure_count++] = item->number;
    }
    return STATUS_OK;
}

static enum status bind_system(struct json *node, struct config *c, struct error *err)
{
    enum { SYSTEMS_MAX = 64 };
    struct system *s = &c->system;
    struct json *name = json_member(node, "name");
    if (name == NULL) {
        return JSON_RAISE(err, node, ERR_INPUT, "'name' is missing (see faascast show systems)");
    }
    const char *names[SYSTEMS_MAX];
    size_t n = 0;
    while (n < SYSTEMS_MAX && protocols[n] != NULL) {
        names[n] = protocols[n]->name;
        n++;
    }
    size_t index = 0;
    if (choose(name, names, n, "system", &index, err) != STATUS_OK) {
        return err->code;
    }
    s->protocol = protocols[index];
    s->variant = "";
    for (size_t i = 0; i < OPTION_LIMIT && s->protocol->options[i].name != NULL; i++) {
        const struct option_spec *spec = &s->protocol->options[i];
        struct json *value = json_member(node, spec->name);
        s->option[i] = spec->fallback;
        if (value != NULL && read_option(spec, value, &s->option[i], err) != STATUS_OK) {
            return err->code;
        }
        if (strcmp(spec->name, "variant") == 0) {
            s->variant = spec->choices[(size_t)s->option[i]];
        }
    }
    struct json *structure = json_member(node, "structure");
    if (structure != NULL && s->protocol->takes_structure &&
        read_structure(structure, s, err) != STATUS_OK) {
        return err->code;
    }
    if (structure == NULL && s->protocol->takes_structure) {
        return JSON_RAISE(err, node, ERR_INPUT,
                          "'structure' is missing: instances per level, root first, such as "
                          "[1, 5, 22, 100]");
    }
    struct json *reading = json_member(node, "reading");
    if (reading != NULL) {
        if (choose(reading, reading_words, READINGS, "reading", &index, err) != STATUS_OK) {
            return err->code;
        }
        s->reading = (enum reading)index;
        if (index != READING_PROTOCOL && (s->protocol->readings >> index & 1) == 0) {
            return JSON_RAISE(err, reading, ERR_INPUT, "the papers on %s print no equation \"%s\"",
                              s->protocol->name, reading_words[index]);
        }
    }
    return STATUS_OK;
}

/* ---------------------------------------------------------------- prices, platforms, stores */

static enum status bind_price(struct arena *a, struct json *tree, struct json *node,
                              struct price *out, struct error *err)
{
    value_fields(a, price_fields, NULL, out, err);
    struct json *wanted = node != NULL ? json_member(node, "price") : NULL;
    const char *name = NULL;
    if (wanted == NULL) {
        return err->code;
    }
    if (value_text(wanted, &name, err) != STATUS_OK) {
        return err->code;
    }
    struct json *prices = json_member(tree, "prices");
    struct json *classes = prices != NULL ? json_member(prices, "classes") : NULL;
    struct json *class = classes != NULL ? json_member(classes, name) : NULL;
    if (prices == NULL) {
        return STATUS_OK; /* no price list: time only, money is 0 */
    }
    if (class == NULL) {
        enum { NAMES_MAX = 256 };
        const char *names[NAMES_MAX];
        size_t n = 0;
        for (const struct json *k = classes != NULL ? classes->first : NULL;
             k != NULL && n < NAMES_MAX; k = k->next) {
            names[n++] = k->key;
        }
        const char *near = nearest_name(name, names, n);
        const struct json *use = json_member(node, "use");
        const struct json *list = json_member(prices, "use");
        /* A class the catalogue entry names does not fit the list: the scenario chose both. */
        const bool own = use == NULL || strcmp(use->origin.file, wanted->origin.file) == 0;
        return JSON_RAISE(err, own ? wanted : use, ERR_INPUT,
                          "the price list%s%.60s%s has no class \"%.60s\"%s%s%s",
                          list != NULL ? " \"" : "", list != NULL ? list->text : "",
                          list != NULL ? "\"" : "", name, near != NULL ? ", did you mean \"" : "",
                          near != NULL ? near : "", near != NULL ? "\"?" : "");
    }
    mark_notes(class);
    return value_fields(a, price_fields, class, out, err);
}

static enum status bind_platform(struct arena *a, struct json *tree, struct json *node,
                                 struct platform *p, struct error *err)
{
    static const char *const kinds[] = {"function", "vm"};
    p->name = "";
    if (node == NULL) {
        return bind_price(a, tree, NULL, &p->price, err);
    }
    struct json *kind = json_member(node, "kind");
    size_t index = 0;
    if (kind != NULL && choose(kind, kinds, 2, "kind of platform", &index, err) != STATUS_OK) {
        return err->code;
    }
    p->kind = (enum platform_kind)index;
    const struct json *use = json_member(node, "use");
    p->name = use != NULL ? use->text : "platform";
    return bind_price(a, tree, node, &p->price, err);
}

static const char *section_help(const char *name)
{
    const struct section *s = sections;
    while (strcmp(s->name, name) != 0) {
        s++;
    }
    return s->help;
}

static enum status bind_stores(struct arena *a, struct json *tree, struct config *c,
                               struct error *err)
{
    static const char *const names[STORE_USES] = {"store", "data_store", "message_store",
                                                  "network"};
    for (size_t i = 0; i < STORE_USES; i++) {
        struct json *node = json_member(tree, names[i]);
        const struct json *use = node != NULL ? json_member(node, "use") : NULL;
        struct store *s = &c->stores[i];
        const bool stands_in = i == STORE_DATA && json_member(tree, names[STORE_EXCHANGE]) != NULL;
        if (node == NULL && !stands_in && (c->system.protocol->stores >> i & 1) != 0) {
            return JSON_RAISE(err, tree, ERR_INPUT, "section '%s' is missing: %s uses it (%s)",
                              names[i], c->system.protocol->name, section_help(names[i]));
        }
        s->name = use != NULL ? use->text : names[i];
        if (bind_price(a, tree, node, &s->price, err) != STATUS_OK) {
            return err->code;
        }
    }
    if (json_member(tree, "data_store") == NULL) {
        /* The same service holds the data: its hours are paid once. */
        c->stores[STORE_DATA] = c->stores[STORE_EXCHANGE];
        c->stores[STORE_DATA].price.hour = 0;
        c->stores[STORE_DATA].price.surcharge_hour = 0;
    }
    return STATUS_OK;
}

/* ---------------------------------------------------------------- workload and compute */

static enum status bind_shape(struct arena *a, struct json *catalogue, struct json *node,
                              const char *key, const char *group_name, const struct field *fields,
                              const char **name, struct workload *w, struct error *err)
{
    struct json *text = json_member(node, key);
    if (text == NULL) {
        return JSON_RAISE(err, node, ERR_INPUT, "'%s' is missing (see faascast show catalogue)",
                          key);
    }
    if (value_text(text, name, err) != STATUS_OK) {
        return err->code;
    }
    struct json *group = json_member(catalogue, group_name);
    struct json *entry = group != NULL ? json_member(group, *name) : NULL;
    if (entry == NULL) {
        enum { NAMES_MAX = 256 };
        const char *names[NAMES_MAX];
        size_t n = 0;
        for (const struct json *k = group != NULL ? group->first : NULL; k != NULL && n < NAMES_MAX;
             k = k->next) {
            names[n++] = k->key;
        }
        const char *near = nearest_name(*name, names, n);
        return JSON_RAISE(err, text, ERR_INPUT, "no \"%.60s\" among the %s of the catalogue%s%s%s",
                          *name, group_name, near != NULL ? ", did you mean \"" : "",
                          near != NULL ? near : "", near != NULL ? "\"?" : "");
    }
    /* Reading marks what it read: on a copy, in the same place; all points share the catalogue. */
    struct json *own = json_copy(a, entry);
    if (own == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory reading \"%.60s\"", *name);
    }
    own->key = entry->key;
    own->parent = entry->parent;
    return value_fields(a, fields, own, w, err);
}

/* Keys of meta-learning say nothing about SGD, and the other way round. */
static enum status refuse_foreign_keys(const struct json *node, const struct workload *w,
                                       struct error *err)
{
    static const char *const meta[] = {"ways",       "shots",       "queries",  "adaptation_steps",
                                       "meta_batch", "theta_fixed", "backbone", NULL};
    static const char *const sgd[] = {
        "model",      "parameters",       "flop_per_sample", "samples", "bytes_per_sample",
        "batch_size", "batch_per_worker", "epochs",          NULL};
    for (const char *const *key = w->kind == WORK_META ? sgd : meta; *key != NULL; key++) {
        const struct json *found = json_member(node, *key);
        if (found != NULL) {
            return JSON_RAISE(err, found, ERR_INPUT, "'%s' means nothing to algorithm \"%s\"", *key,
                              w->algorithm_name);
        }
    }
    return STATUS_OK;
}

static enum status bind_workload(struct arena *a, struct json *catalogue, struct json *node,
                                 struct config *c, struct error *err)
{
    struct workload *w = &c->workload;
    struct json *algorithm = json_member(node, "algorithm");
    size_t index = 0;
    if (algorithm == NULL) {
        return JSON_RAISE(err, node, ERR_INPUT,
                          "'algorithm' is missing: maml, fomaml, anil, alfa, ealfa or sgd");
    }
    if (choose(algorithm, algorithm_words, ALGORITHMS, "algorithm", &index, err) != STATUS_OK) {
        return err->code;
    }
    w->algorithm = (enum algorithm)index;
    w->algorithm_name = algorithm_words[index];
    w->kind = index == ALGORITHM_SGD ? WORK_SGD : WORK_META;
    w->dataset = w->backbone = "";
    if (refuse_foreign_keys(node, w, err) != STATUS_OK) {
        return err->code;
    }
    if (w->kind == WORK_META) {
        const double given_bytes = w->dataset_bytes;
        if (bind_shape(a, catalogue, node, "dataset", "datasets", dataset_fields, &w->dataset, w,
                       err) != STATUS_OK ||
            bind_shape(a, catalogue, node, "backbone", "backbones", backbone_fields, &w->backbone,
                       w, err) != STATUS_OK) {
            return err->code;
        }
        if (given_bytes > 0) {
            w->dataset_bytes = given_bytes;
        }
        return STATUS_OK;
    }
    struct json *model = json_member(node, "model");
    struct json *dataset = json_member(node, "dataset");
    if (model != NULL && value_text(model, &w->backbone, err) != STATUS_OK) {
        return err->code;
    }
    if (dataset != NULL && value_text(dataset, &w->dataset, err) != STATUS_OK) {
        return err->code;
    }
    return STATUS_OK;
}

/* ---------------------------------------------------------------- unread keys */

static void gather(const struct field *fields, const char **names, size_t *n, size_t limit)
{
    for (; fields->key != NULL && *n < limit; fields++) {
        names[(*n)++] = fields->key;
    }
}

static const char *const root_keys[] = {"format",   "name",   "note",    "source",
                                        "date",     "status", "include", "catalogue",
                                        "baseline", "sweep",  "score",   "plan"};
enum { ROOT_KEYS = sizeof root_keys / sizeof root_keys[0] };

static enum status refuse_unread(const struct json *tree, const struct config *c, struct error *err)
{
    enum { NAMES_MAX = 128 };
    const char *names[NAMES_MAX];
    static const char *const common[] = {"use",     "kind",    "price",     "algorithm",
                                         "dataset", "model",   "backbone",  "profile",
                                         "name",    "reading", "structure", "classes"};
    const struct json *unread = NULL;
    if (json_all_read(tree, &unread)) {
        return STATUS_OK;
    }
    size_t n = 0;
    const struct json *parent = unread->parent;
    for (const struct section *s = sections; s->name != NULL; s++) {
        if (parent->parent == tree && strcmp(s->name, parent->key) == 0) {
            gather(s->fields, names, &n, NAMES_MAX);
            gather(s->extra, names, &n, NAMES_MAX);
            for (size_t i = 0; i < sizeof common / sizeof common[0] && n < NAMES_MAX; i++) {
                names[n++] = common[i];
            }
        }
    }
    const bool system = parent->key != NULL && strcmp(parent->key, "system") == 0;
    const struct protocol *p = c->system.protocol;
    for (size_t i = 0; system && p != NULL && i < OPTION_LIMIT && p->options[i].name != NULL; i++) {
        names[n++] = p->options[i].name;
    }
    if (parent->parent != NULL && parent->parent->key != NULL &&
        strcmp(parent->parent->key, "classes") == 0) {
        gather(price_fields, names, &n, NAMES_MAX);
    }
    const char *near = unread->key != NULL ? nearest_name(unread->key, names, n) : NULL;
    if (unread->key == NULL) {
        return JSON_RAISE(err, unread, ERR_INPUT, "nothing reads this value");
    }
    if (near != NULL && strcmp(near, unread->key) == 0) {
        return JSON_RAISE(err, unread, ERR_INPUT, "'%s' means nothing here: nothing reads it",
                          unread->key);
    }
    if (system && p != NULL) {
        return JSON_RAISE(err, unread, ERR_INPUT, "%s has no option '%s'%s%s%s", p->name,
                          unread->key, near != NULL ? ", did you mean '" : "",
                          near != NULL ? near : "", near != NULL ? "'?" : "");
    }
    return JSON_RAISE(err, unread, ERR_INPUT, "unknown key '%s'%s%s%s", unread->key,
                      near != NULL ? ", did you mean '" : "", near != NULL ? near : "",
                      near != NULL ? "'?" : "");
}

/* Price classes nobody refers to are a list's other lines, not mistakes: they are checked, and
 * count as read. */
static enum status check_classes(struct arena *a, struct json *tree, struct error *err)
{
    struct json *prices = json_member(tree, "prices");
    struct json *classes = prices != NULL ? json_member(prices, "classes") : NULL;
    if (classes == NULL) {
        return STATUS_OK;
    }
    classes->read = true;
    for (struct json *class = classes->first; class != NULL; class = class->next) {
        struct price scratch;
        class->read = true;
        if (class->kind != JSON_OBJECT) {
            return JSON_RAISE(err, class, ERR_INPUT, "expected an object of prices");
        }
        mark_notes(class);
        if (value_fields(a, price_fields, class, &scratch, err) != STATUS_OK) {
            return err->code;
        }
    }
    return STATUS_OK;
}

/* Before a section is said to be missing: it may only be misspelt. */
static enum status refuse_unknown_sections(const struct json *tree, struct error *err)
{
    enum { NAMES_MAX = 64 };
    const char *names[NAMES_MAX];
    size_t n = 0;
    for (; sections[n].name != NULL; n++) {
        names[n] = sections[n].name;
    }
    for (size_t i = 0; i < ROOT_KEYS; i++) {
        names[n++] = root_keys[i];
    }
    return json_known_keys(tree, "section", "", names, n, err);
}

enum status config_bind(struct arena *a, struct json *catalogue, const char *profile_dir,
                        struct json *tree, const char *file, struct config *c, struct error *err)
{
    memset(c, 0, sizeof *c); /* the gaps too: model/identity.c sums the whole struct */
    c->file = file;
    c->name = "";
    struct json *format = json_member(tree, "format");
    if (tree->kind != JSON_OBJECT) {
        return JSON_RAISE(err, tree, ERR_INPUT, "a scenario is a JSON object");
    }
    if (format == NULL) {
        return JSON_RAISE(err, tree, ERR_INPUT, "'format' is missing, expected \"format\": 1");
    }
    format->read = true;
    if (format->kind != JSON_NUMBER || format->number != 1) {
        return JSON_RAISE(err, format, ERR_INPUT, "this program reads format 1");
    }
    mark_notes(tree);
    struct json *name = json_member(tree, "name");
    if (name != NULL && value_text(name, &c->name, err) != STATUS_OK) {
        return err->code;
    }
    if (refuse_unknown_sections(tree, err) != STATUS_OK) {
        return err->code;
    }
    struct json *nodes[32];
    size_t n = 0;
    for (const struct section *s = sections; s->name != NULL; s++, n++) {
        nodes[n] = section_node(tree, s->name, err);
        if (err->code != STATUS_OK ||
            value_fields(a, s->fields, nodes[n], (char *)c + s->offset, err) != STATUS_OK ||
            value_fields(a, s->extra, nodes[n], c, err) != STATUS_OK) {
            return err->code;
        }
    }
    static const char *const needed[] = {"system", "workload", "compute", "platform"};
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        if (json_member(tree, needed[i]) == NULL) {
            return JSON_RAISE(err, tree, ERR_INPUT, "section '%s' is missing", needed[i]);
        }
    }
    const struct json *most = json_pointer(tree, "/simulation/replications_max");
    if (most != NULL && c->simulation.replications_max < c->simulation.replications_min) {
        return JSON_RAISE(err, most, ERR_INPUT, "found %g, below replications_min of %g",
                          c->simulation.replications_max, c->simulation.replications_min);
    }
    if (bind_system(json_member(tree, "system"), c, err) != STATUS_OK ||
        bind_workload(a, catalogue, json_member(tree, "workload"), c, err) != STATUS_OK ||
        bind_platform(a, tree, json_member(tree, "platform"), &c->platform, err) != STATUS_OK ||
        bind_platform(a, tree, json_member(tree, "server"), &c->server, err) != STATUS_OK ||
        bind_stores(a, tree, c, err) != STATUS_OK ||
        profile_bind(a, profile_dir, json_member(tree, "compute"), c, err) != STATUS_OK ||
        check_classes(a, tree, err) != STATUS_OK) {
        return err->code;
    }
    return refuse_unread(tree, c, err);
}
