/* Classes made up from a seed. One channel: characters of one to four pen strokes. Three channels:
 * patches of two oriented waves between two colours. A class fixes the program (control points;
 * directions, frequencies, colours), an image executes it with another hand (see data.h).
 *
 * All lengths are in units of the image's side, so that a class looks alike at every size.
 */
#include "calibration/data/loaders.h"
#include "calibration/data/random.h"

#include <math.h>
#include <stdlib.h>

#define STROKES_MAX 4
#define CURVE_PIECES 16

static const double PI = 3.14159265358979323846;

struct point {
    double x, y;
};

/* ---------------------------------------------------------------- characters */

/* Each stroke is a cubic Bezier curve. */
struct character {
    size_t n_strokes;
    struct point control[STROKES_MAX][4];
};

/* A pen moves on from where it is by steps of similar length, so that strokes are long enough to be
 * seen and stay in the middle of the image. */
static struct character character_draw(uint64_t seed, uint64_t index)
{
    struct random_stream random = random_open(seed, index);
    struct character out = {.n_strokes = 1 + (size_t)random_below(&random, STROKES_MAX)};
    for (size_t s = 0; s < out.n_strokes; s++) {
        double direction = random_uniform(&random, 0.0, 2.0 * PI);
        const double bend = random_uniform(&random, -1.6, 1.6);
        struct point at = {random_uniform(&random, 0.22, 0.78),
                           random_uniform(&random, 0.22, 0.78)};
        for (size_t k = 0; k < 4; k++) {
            out.control[s][k] = at;
            const double step = random_uniform(&random, 0.15, 0.38);
            at.x = fmin(fmax(at.x + step * cos(direction), 0.14), 0.86);
            at.y = fmin(fmax(at.y + step * sin(direction), 0.14), 0.86);
            direction += bend + random_uniform(&random, -0.5, 0.5);
        }
    }
    return out;
}

/* One execution: an affine map about the centre, and a pen. */
struct hand {
    double a, b, c, d, shift_x, shift_y, tremor, half_width;
};

static struct hand hand_draw(struct random_stream *random)
{
    const double angle = random_uniform(random, -0.35, 0.35);
    const double shear = random_uniform(random, -0.3, 0.3);
    const double scale_x = random_uniform(random, 0.7, 1.15);
    const double scale_y = random_uniform(random, 0.7, 1.15);
    return (struct hand){.a = scale_x * cos(angle),
                         .b = -scale_y * sin(angle) + shear,
                         .c = scale_x * sin(angle),
                         .d = scale_y * cos(angle),
                         .shift_x = random_uniform(random, -0.13, 0.13),
                         .shift_y = random_uniform(random, -0.13, 0.13),
                         .tremor = 0.03,
                         .half_width = random_uniform(random, 0.022, 0.036)};
}

static struct point hand_move(const struct hand *hand, struct random_stream *random, struct point p)
{
    const double x = p.x - 0.5 + hand->tremor * random_normal(random);
    const double y = p.y - 0.5 + hand->tremor * random_normal(random);
    return (struct point){0.5 + hand->a * x + hand->b * y + hand->shift_x,
                          0.5 + hand->c * x + hand->d * y + hand->shift_y};
}

static struct point bezier(const struct point p[4], double t)
{
    const double s = 1.0 - t;
    const double w0 = s * s * s, w1 = 3.0 * s * s * t, w2 = 3.0 * s * t * t, w3 = t * t * t;
    return (struct point){w0 * p[0].x + w1 * p[1].x + w2 * p[2].x + w3 * p[3].x,
                          w0 * p[0].y + w1 * p[1].y + w2 * p[2].y + w3 * p[3].y};
}

static double distance_to_piece(struct point p, struct point from, struct point to)
{
    const double dx = to.x - from.x, dy = to.y - from.y;
    const double length2 = dx * dx + dy * dy;
    double t = length2 > 0.0 ? ((p.x - from.x) * dx + (p.y - from.y) * dy) / length2 : 0.0;
    t = fmin(fmax(t, 0.0), 1.0);
    return hypot(p.x - from.x - t * dx, p.y - from.y - t * dy);
}

/* Indices of the pixels whose centres may lie within `reach` of [low, high]. */
static void pixel_range(double low, double high, double reach, size_t n, size_t *first, size_t *end)
{
    const double size = (double)n;
    *first = (size_t)fmin(fmax((low - reach) * size - 0.5, 0.0), size);
    *end = (size_t)fmin(fmax((high + reach) * size + 1.0, 0.0), size);
}

/* Ink of a straight piece: full inside the pen, fading over one pixel; the darkest stroke wins. */
static void ink_piece(uint8_t *plane, size_t height, size_t width, struct point from,
                      struct point to, double half_width)
{
    const double pixel = 1.0 / (double)(height < width ? height : width);
    const double reach = half_width + pixel;
    size_t x0, x1, y0, y1;
    pixel_range(fmin(from.x, to.x), fmax(from.x, to.x), reach, width, &x0, &x1);
    pixel_range(fmin(from.y, to.y), fmax(from.y, to.y), reach, height, &y0, &y1);
    for (size_t y = y0; y < y1; y++) {
        for (size_t x = x0; x < x1; x++) {
            const struct point p = {((double)x + 0.5) / (double)width,
                                    ((double)y + 0.5) / (double)height};
            const double ink = 0.5 + (half_width - distance_to_piece(p, from, to)) / pixel;
            const uint8_t value = (uint8_t)(255.0 * fmin(fmax(ink, 0.0), 1.0) + 0.5);
            uint8_t *const at = &plane[y * width + x];
            *at = value > *at ? value : *at;
        }
    }
}

static void character_execute(const struct character *character, struct random_stream *random,
                              size_t height, size_t width, uint8_t *plane)
{
    const struct hand hand = hand_draw(random);
    for (size_t i = 0; i < height * width; i++) {
        plane[i] = 0;
    }
    for (size_t s = 0; s < character->n_strokes; s++) {
        struct point moved[4];
        for (size_t k = 0; k < 4; k++) {
            moved[k] = hand_move(&hand, random, character->control[s][k]);
        }
        struct point from = moved[0];
        for (size_t piece = 1; piece <= CURVE_PIECES; piece++) {
            const struct point to = bezier(moved, (double)piece / CURVE_PIECES);
            ink_piece(plane, height, width, from, to, hand.half_width);
            from = to;
        }
    }
}

/* ---------------------------------------------------------------- patches */

struct wave {
    double cycles, angle, weight;
};

struct texture {
    struct wave wave[2];
    double colour[2][3]; /* 0..255 */
};

static struct texture texture_draw(uint64_t seed, uint64_t index)
{
    struct random_stream random = random_open(seed, index);
    struct texture out;
    for (size_t i = 0; i < 2; i++) {
        out.wave[i] = (struct wave){.cycles = random_uniform(&random, 1.5, 8.0),
                                    .angle = random_uniform(&random, 0.0, PI),
                                    .weight = random_uniform(&random, 0.4, 1.0)};
        for (size_t c = 0; c < 3; c++) {
            out.colour[i][c] = random_uniform(&random, 30.0, 225.0);
        }
    }
    return out;
}

static void texture_execute(const struct texture *texture, struct random_stream *random,
                            size_t height, size_t width, uint8_t *planes)
{
    double phase[2], turn = random_uniform(random, -0.15, 0.15);
    const double light = random_uniform(random, 0.75, 1.2);
    for (size_t i = 0; i < 2; i++) {
        phase[i] = random_uniform(random, 0.0, 2.0 * PI);
    }
    for (size_t y = 0; y < height; y++) {
        for (size_t x = 0; x < width; x++) {
            double sum = 0.0;
            for (size_t i = 0; i < 2; i++) {
                const struct wave *const w = &texture->wave[i];
                const double along = (double)x / (double)width * cos(w->angle + turn) +
                                     (double)y / (double)height * sin(w->angle + turn);
                sum += w->weight * sin(2.0 * PI * w->cycles * along + phase[i]);
            }
            const double mix = 1.0 / (1.0 + exp(-3.0 * sum));
            for (size_t c = 0; c < 3; c++) {
                const double colour =
                    texture->colour[0][c] * mix + texture->colour[1][c] * (1.0 - mix);
                const double value = light * colour + 12.0 * random_normal(random);
                planes[(c * height + y) * width + x] =
                    (uint8_t)(fmin(fmax(value, 0.0), 255.0) + 0.5);
            }
        }
    }
}

/* ---------------------------------------------------------------- the set */

static void draw_class(struct image_set *set, size_t i, uint64_t seed)
{
    const struct image_class *const c = &set->classes[i];
    const struct character character = character_draw(seed, i);
    const struct texture texture = texture_draw(seed, i);
    for (size_t k = c->first; k < c->first + c->count; k++) {
        struct random_stream random = random_open(random_mix(seed ^ UINT64_C(0x5ca1ab1e)), k);
        uint8_t *const at = set->bytes + k * image_set_pixels(set);
        if (set->channels == 1) {
            character_execute(&character, &random, set->height, set->width, at);
        } else {
            texture_execute(&texture, &random, set->height, set->width, at);
        }
    }
}

enum status image_set_synthetic(const struct synthetic_options *options, struct image_set *out,
                                struct error *err)
{
    *out = (struct image_set){0};
    const size_t groups = options->n_groups, each = options->classes_per_group;
    const size_t images = options->images_per_class;
    const size_t most = 100000;
    if (groups == 0 || each == 0 || images == 0 || groups > most || each > most || images > most) {
        return RAISE(err, ERR_INPUT,
                     "%zu groups of %zu classes of %zu images, expected 1 to %zu of each", groups,
                     each, images, most);
    }
    enum status status =
        image_set_init(out, groups * each * images, groups * each, options->channels,
                       options->height, options->width, PIXELS_BYTE, err);
    for (size_t i = 0; i < groups * each && status == STATUS_OK; i++) {
        char name[64];
        snprintf(name, sizeof name,
                 options->channels == 1 ? "alphabet%02zu/character%02zu"
                                        : "family%02zu/texture%02zu",
                 i / each, i % each);
        status = image_set_name(out, i, name, NULL, i * images, images, err);
        if (status == STATUS_OK) {
            draw_class(out, i, options->seed);
        }
    }
    if (status == STATUS_OK) {
        image_set_finish(out);
    }
    return status;
}
