/* Reads gnuplot's SVG back, so that tests can ask what a picture shows.
 *
 *     svg_read FILE points N    the signs of plot element N in the axes' own units: "x y" lines
 *     svg_read FILE path N      the corners of its lines, likewise
 *     svg_read FILE elements    how many plot elements there are
 *     svg_read FILE texts       every text, one per line
 *     svg_read FILE layout      texts that leave the picture or lie on one another; exit 1 if any
 *     svg_read FILE greys N M   grey levels (0 to 255) of the fills of elements N to M
 *
 * Axes are read from their ticks: two or more labelled numbers on a linear scale, or a logarithmic
 * one when that fits the ticks better. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TICKS = 64, TEXTS = 256, LINE = 1 << 20 };

struct tick {
    double at, value; /* pixels, number of the label */
};
struct axis {
    struct tick ticks[TICKS];
    int count;
    double slope, offset; /* value = slope * at + offset, of the logarithm when log is set */
    bool log;
};
struct words {
    char text[256];
    double x0, y0, x1, y1;
};
struct picture {
    struct axis x, y;
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
        miss = fmax(miss, fabs((v - a->offset) / a->slope - a->ticks[i].at));
    }
    return miss;
}

static void settle(struct axis *a)
{
    bool positive = a->count >= 3;
    for (int i = 0; i < a->count; i++) {
        positive = positive && a->ticks[i].value > 0;
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

static void add_tick(struct picture *p, const char *path, const char *text)
{
    const double x0 = number_after(path, " d='M", 0);
    const double y0 = number_after(path, " d='M", 1);
    const double x1 = number_after(path, " L", 0);
    const double y1 = number_after(path, " L", 1);
    char *end = NULL;
    const double value = strtod(text, &end);
    struct axis *a = x0 == x1 ? &p->x : y0 == y1 ? &p->y : NULL;
    if (a != NULL && end != text && *end == '\0' && a->count < TICKS) {
        a->ticks[a->count++] = (struct tick){x0 == x1 ? x0 : y0, value};
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
    settle(&p->x);
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
            printf("%.9g %.9g\n", value_at(&p->x, x), value_at(&p->y, y));
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
            printf("%.9g %.9g\n", value_at(&p->x, number_after(use, "translate(", 0)),
                   value_at(&p->y, number_after(use, "translate(", 1)));
        } else if (!signs && (strstr(line, "<path ") != NULL || line[0] == '\t')) {
            print_corners(p, line); /* long paths go on in the next lines */
        }
    }
    free(line);
}

static void print_greys(FILE *f, int first, int last)
{
    char *line = malloc(LINE);
    int element = 0;
    int told = 0;
    while (line != NULL && fgets(line, LINE, f) != NULL) {
        element_starts(line, &element);
        const char *fill = strstr(line, "fill = 'rgb(");
        if (element >= first && element <= last && element != told && fill != NULL) {
            int r = 0;
            int g = 0;
            int b = 0;
            if (sscanf(fill, "fill = 'rgb( %d, %d, %d", &r, &g, &b) == 3) {
                printf("%d %.1f\n", element, 0.299 * r + 0.587 * g + 0.114 * b);
                told = element;
            }
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
        fprintf(stderr, "svg_read: usage: svg_read FILE points|path|elements|texts|layout|greys\n");
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
