/* Reads gnuplot's SVG back, so that tests can ask what a picture shows.
 *
 *     svg_read FILE points N    the signs of plot element N in the axes' own units: "x y" lines,
 *                               with the words of the nearest ticks after tabs
 *     svg_read FILE path N      the corners of its lines, likewise
 *     svg_read FILE elements    how many plot elements there are
 *     svg_read FILE texts       every text, one per line
 *     svg_read FILE layout      texts that leave the picture or lie on one another; exit 1 if any
 *     svg_read FILE greys N M   grey levels (0 to 255) of the fills of elements N to M
 *     svg_read FILE boxes N     the boxes of element N: x from, x to, y from, y to in the axes' own
 *                               units, words of the nearest tick on either axis, grey level;
 *                               separated by tabs
 *     svg_read FILE area N      the corners of its filled areas, as path
 *
 * Axes are read from their ticks: two or more labelled numbers on a linear scale, or a logarithmic
 * one when that fits the ticks better. Where numbers begin anew along x there are two pictures side
 * by side, each with an axis of its own. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TICKS = 64, TEXTS = 256, LINE = 1 << 20, TICK_LENGTH = 20 };

struct tick {
    double at, value; /* pixels, number of the label (NaN: other words) */
    char words[64];
};
struct axis {
    struct tick ticks[TICKS];
    int count, numbers;
    double line;          /* where the axis itself lies */
    double slope, offset; /* value = slope * at + offset, of the logarithm when log is set */
    bool log;
};
struct words {
    char text[256];
    double x0, y0, x1, y1;
};
enum { X_AXES = 2 };
struct picture {
    struct axis x[X_AXES], y; /* from left to right */
    struct words words[TEXTS];
    int n_words;
};

static double number_after(const char *line, const char *key, int skip)
{
    const char *p = strstr(line, key);
    if (p == NULL) {
        return (double)NAN;
    }
    p += strlen(key);
    for (int i = 0; i < skip; i++) {
        p += strcspn(p, ",") + 1;
    }
    return strtod(p, NULL);
}

/* Least squares through the ticks; gives the largest miss. */
static double fit(struct axis *a, bool logarithm)
{
    double n = 0;
    double sx = 0;
    double sy = 0;
    double sxx = 0;
    double sxy = 0;
    for (int i = 0; i < a->count; i++) {
        const double v = logarithm ? log(a->ticks[i].value) : a->ticks[i].value;
        if (isnan(v)) {
            continue;
        }
        n += 1;
        sx += a->ticks[i].at;
        sy += v;
        sxx += a->ticks[i].at * a->ticks[i].at;
        sxy += a->ticks[i].at * v;
    }
    a->slope = (n * sxy - sx * sy) / (n * sxx - sx * sx);
    a->offset = (sy - a->slope * sx) / n;
    a->log = logarithm;
    double miss = 0;
    for (int i = 0; i < a->count; i++) {
        const double v = logarithm ? log(a->ticks[i].value) : a->ticks[i].value;
        miss = isnan(v) ? miss : fmax(miss, fabs((v - a->offset) / a->slope - a->ticks[i].at));
    }
    return miss;
}

static void settle(struct axis *a)
{
    bool positive = a->numbers >= 3;
    for (int i = 0; i < a->count; i++) {
        positive = positive && !(a->ticks[i].value <= 0);
    }
    const double linear = fit(a, false);
    if (positive && !(linear <= 0.2)) {
        fit(a, true);
    }
}

static double value_at(const struct axis *a, double at)
{
    const double v = a->slope * at + a->offset;
    return a->log ? exp(v) : v;
}

static const char *words_at(const struct axis *a, double at)
{
    const struct tick *nearest = NULL;
    for (int i = 0; i < a->count; i++) {
        if (nearest == NULL || fabs(a->ticks[i].at - at) < fabs(nearest->at - at)) {
            nearest = &a->ticks[i];
        }
    }
    return nearest != NULL ? nearest->words : "";
}

/* The axis below a place: the last that starts at or left of it. */
static const struct axis *axis_at(const struct picture *p, double x)
{
    const struct axis *a = &p->x[0];
    for (int i = 1; i < X_AXES; i++) {
        a = p->x[i].count > 0 && p->x[i].ticks[0].at <= x + 1 ? &p->x[i] : a;
    }
    return a;
}

static void unescape(char *text)
{
    static const char *const marks[][2] = {{"&lt;", "<"}, {"&gt;", ">"}, {"&amp;", "&"}};
    for (size_t i = 0; i < 3; i++) {
        for (char *p; (p = strstr(text, marks[i][0])) != NULL;) {
            *p = marks[i][1][0];
            memmove(p + 1, p + strlen(marks[i][0]), strlen(p + strlen(marks[i][0])) + 1);
            if (i == 2) {
                break; /* "&amp;lt;" stays "&lt;" */
            }
        }
    }
}

static void add_words(struct picture *p, const char *group, const char *text)
{
    if (p->n_words == TEXTS || text[0] == '\0') {
        return;
    }
    struct words *w = &p->words[p->n_words];
    snprintf(w->text, sizeof w->text, "%s", text);
    unescape(w->text);
    size_t letters = 0;
    for (const char *c = w->text; *c != '\0'; c++) {
        letters += ((unsigned char)*c & 0xc0) != 0x80;
    }
    const double size = number_after(group, "font-size=\"", 0);
    /* Arial and Liberation Sans take about half their size per letter. */
    const double width = 0.5 * size * (double)letters;
    const double x = number_after(group, "translate(", 0);
    const double y = number_after(group, "translate(", 1);
    const double back = strstr(group, "\"end\"") != NULL      ? 1
                        : strstr(group, "\"middle\"") != NULL ? 0.5
                                                              : 0;
    if (strstr(group, "rotate(") != NULL) {
        *w = (struct words){.x0 = x - 0.75 * size, .x1 = x + 0.2 * size};
        snprintf(w->text, sizeof w->text, "%s", text);
        w->y0 = y - (1 - back) * width;
        w->y1 = y + back * width;
    } else {
        w->x0 = x - back * width;
        w->x1 = w->x0 + width;
        w->y0 = y - 0.75 * size;
        w->y1 = y + 0.2 * size;
    }
    p->n_words++;
}

/* A tick is a short line before its words; without length, the words stand left of it or below. */
static void add_tick(struct picture *p, const char *path, const char *text)
{
    const double x0 = number_after(path, " d='M", 0);
    const double y0 = number_after(path, " d='M", 1);
    const double x1 = number_after(path, " L", 0);
    const double y1 = number_after(path, " L", 1);
    const bool point = isnan(x1) && strstr(path, "rotate(") == NULL;
    const bool on_x =
        (x0 == x1 && fabs(y1 - y0) < TICK_LENGTH) || (point && strstr(path, "\"middle\"") != NULL);
    const bool on_y =
        (y0 == y1 && fabs(x1 - x0) < TICK_LENGTH) || (point && strstr(path, "\"end\"") != NULL);
    char *end = NULL;
    const double value = strtod(text, &end);
    struct axis *a = on_x ? &p->x[0] : on_y ? &p->y : NULL;
    if (on_x && a->count > 0 && x0 > a->ticks[a->count - 1].at &&
        value < a->ticks[a->count - 1].value) {
        a = &p->x[1];
    } else if (on_x && p->x[1].count > 0) {
        a = &p->x[1];
    }
    if (on_y && a->count > 0 && fabs(x0 - a->line) > TICK_LENGTH) {
        return; /* of the scale of colours */
    }
    if (a != NULL && a->count < TICKS) {
        struct tick *t = &a->ticks[a->count++];
        const bool number = end != text && *end == '\0';
        *t = (struct tick){.at = on_x ? x0 : y0, .value = number ? value : (double)NAN};
        snprintf(t->words, sizeof t->words, "%s", text);
        unescape(t->words);
        a->numbers += number;
        a->line = on_x ? y0 : x0;
    }
}

/* Everything outside plot elements: ticks and texts; texts of the elements too. */
static bool read_picture(FILE *f, struct picture *p)
{
    char *line = malloc(LINE);
    char *before = malloc(LINE);
    if (line == NULL || before == NULL) {
        free(line);
        free(before);
        return false;
    }
    before[0] = '\0';
    while (fgets(line, LINE, f) != NULL) {
        char *text = strstr(line, "<text>");
        char *end = text != NULL ? strstr(text, "</text>") : NULL;
        if (end != NULL) {
            *end = '\0';
            add_words(p, before, text + 6);
            if (strstr(before, "<path ") != NULL && strstr(before, "translate(") != NULL) {
                add_tick(p, before, text + 6);
            }
        }
        strcpy(before, line);
    }
    free(line);
    free(before);
    for (int i = 0; i < X_AXES; i++) {
        settle(&p->x[i]);
    }
    settle(&p->y);
    return true;
}

static bool element_starts(const char *line, int *number)
{
    const char *p = strstr(line, "_plot_");
    if (strstr(line, "<g id=\"") == NULL || p == NULL) {
        return false;
    }
    *number = atoi(p + 6);
    return true;
}

static void print_corners(const struct picture *p, const char *line)
{
    const char *start = strstr(line, " d='");
    for (const char *c = start != NULL ? start : line; *c != '\0' && *c != '\''; c++) {
        c += c == start ? 4 : 0;
        if ((*c == 'M' || *c == 'L') && (c[1] == '-' || (c[1] >= '0' && c[1] <= '9'))) {
            char *end = NULL;
            const double x = strtod(c + 1, &end);
            const double y = strtod(end + 1, NULL);
            printf("%.9g %.9g\n", value_at(axis_at(p, x), x), value_at(&p->y, y));
        }
    }
}

/* Lines of element N; `signs`: its signs instead. Signs and lines of the key lie outside the axes.
 */
static void print_element(FILE *f, const struct picture *p, int wanted, bool signs)
{
    char *line = malloc(LINE);
    int element = 0;
    while (line != NULL && fgets(line, LINE, f) != NULL) {
        element_starts(line, &element);
        if (element != wanted) {
            continue;
        }
        const char *use = strstr(line, "<use xlink:href='#gpPt");
        if (signs && use != NULL) {
            const double x = number_after(use, "translate(", 0);
            const double y = number_after(use, "translate(", 1);
            printf("%.9g %.9g\t%s\t%s\n", value_at(axis_at(p, x), x), value_at(&p->y, y),
                   words_at(axis_at(p, x), x), words_at(&p->y, y));
        } else if (!signs && (strstr(line, "<path ") != NULL || line[0] == '\t')) {
            print_corners(p, line); /* long paths go on in the next lines */
        }
    }
    free(line);
}

/* Of a fill, lightness as a grey print has it; -1 without one. */
static double grey_of(const char *line)
{
    const char *fill = strstr(line, "fill = 'rgb(");
    int r = 0;
    int g = 0;
    int b = 0;
    return fill != NULL && sscanf(fill, "fill = 'rgb( %d, %d, %d", &r, &g, &b) == 3
               ? 0.299 * r + 0.587 * g + 0.114 * b
               : -1;
}

static void print_greys(FILE *f, int first, int last)
{
    char *line = malloc(LINE);
    int element = 0;
    int told = 0;
    while (line != NULL && fgets(line, LINE, f) != NULL) {
        element_starts(line, &element);
        if (element >= first && element <= last && element != told && grey_of(line) >= 0) {
            printf("%d %.1f\n", element, grey_of(line));
            told = element;
        }
    }
    free(line);
}

/* Filled areas of an element; `boxes`: their extent, otherwise their corners. Boxes of the key lie
 * below the axis. */
static void print_areas(FILE *f, const struct picture *p, int wanted, bool boxes)
{
    char *line = malloc(LINE);
    int element = 0;
    while (line != NULL && fgets(line, LINE, f) != NULL) {
        element_starts(line, &element);
        char *at = element == wanted ? strstr(line, "points = '") : NULL;
        double x[2] = {INFINITY, -INFINITY};
        double y[2] = {INFINITY, -INFINITY};
        for (at = at != NULL ? at + strlen("points = '") : NULL; at != NULL && *at != '\'';) {
            const double cx = strtod(at, &at);
            const double cy = strtod(at + 1, &at);
            at += strspn(at, " ");
            x[0] = fmin(x[0], cx);
            x[1] = fmax(x[1], cx);
            y[0] = fmin(y[0], cy);
            y[1] = fmax(y[1], cy);
            if (!boxes) {
                printf("%.9g %.9g\n", value_at(axis_at(p, cx), cx), value_at(&p->y, cy));
            }
        }
        const struct axis *a = axis_at(p, x[0]);
        if (boxes && x[0] <= x[1] && y[1] < a->line + 1) {
            printf("%.9g\t%.9g\t%.9g\t%.9g\t%s\t%s\t%.1f\n", value_at(a, x[0]), value_at(a, x[1]),
                   value_at(&p->y, y[1]), value_at(&p->y, y[0]), words_at(a, 0.5 * (x[0] + x[1])),
                   words_at(&p->y, 0.5 * (y[0] + y[1])), grey_of(line));
        }
    }
    free(line);
}

static int count_elements(FILE *f)
{
    char *line = malloc(LINE);
    int element = 0;
    int n = 0;
    while (line != NULL && fgets(line, LINE, f) != NULL) {
        n += element_starts(line, &element);
    }
    free(line);
    return n;
}

static int check_layout(const struct picture *p)
{
    int wrong = 0;
    for (int i = 0; i < p->n_words; i++) {
        const struct words *a = &p->words[i];
        if (a->x0 < 0 || a->y0 < 0 || a->x1 > 800 || a->y1 > 500) {
            printf("leaves the picture: '%s' (%.0f to %.0f, %.0f to %.0f)\n", a->text, a->x0, a->x1,
                   a->y0, a->y1);
            wrong++;
        }
        for (int k = i + 1; k < p->n_words; k++) {
            const struct words *b = &p->words[k];
            if (a->x0 < b->x1 && b->x0 < a->x1 && a->y0 < b->y1 && b->y0 < a->y1) {
                printf("on one another: '%s' and '%s'\n", a->text, b->text);
                wrong++;
            }
        }
    }
    return wrong > 0;
}

int main(int argc, char **argv)
{
    static struct picture p;
    FILE *f = argc > 2 ? fopen(argv[1], "r") : NULL;
    if (f == NULL || !read_picture(f, &p)) {
        fprintf(
            stderr,
            "svg_read: usage: svg_read FILE points|path|boxes|area|elements|texts|layout|greys\n");
        return 2;
    }
    rewind(f);
    const char *what = argv[2];
    const int first = argc > 3 ? atoi(argv[3]) : 0;
    int code = 0;
    if (strcmp(what, "points") == 0 || strcmp(what, "path") == 0) {
        print_element(f, &p, first, strcmp(what, "points") == 0);
    } else if (strcmp(what, "elements") == 0) {
        printf("%d\n", count_elements(f));
    } else if (strcmp(what, "boxes") == 0 || strcmp(what, "area") == 0) {
        print_areas(f, &p, first, strcmp(what, "boxes") == 0);
    } else if (strcmp(what, "greys") == 0) {
        print_greys(f, first, argc > 4 ? atoi(argv[4]) : first);
    } else if (strcmp(what, "texts") == 0) {
        for (int i = 0; i < p.n_words; i++) {
            printf("%s\n", p.words[i].text);
        }
    } else {
        code = check_layout(&p);
    }
    fclose(f);
    return code;
}
