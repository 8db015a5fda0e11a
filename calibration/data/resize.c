/* Resizing as two passes of weighted sums, rows and then columns; the weights of both rules are
 * laid out once per axis, so that the picture itself is walked by two plain loops.
 */
#include "calibration/data/resize.h"

#include <math.h>
#include <stdlib.h>

/* Area: output i covers [i r, (i+1) r) of the input, r = in / out > 1; a pixel weighs the part of
 * it that is covered. */
static void axis_fill_area(struct resize_axis *axis)
{
    const double ratio = (double)axis->in / (double)axis->out;
    for (size_t i = 0; i < axis->out; i++) {
        const double low = (double)i * ratio;
        const double high = (double)(i + 1) * ratio;
        size_t first = (size_t)low;
        if (first + axis->taps > axis->in) {
            first = axis->in - axis->taps;
        }
        axis->first[i] = first;
        for (size_t k = 0; k < axis->taps; k++) {
            const double left = fmax(low, (double)(first + k));
            const double right = fmin(high, (double)(first + k + 1));
            axis->weight[i * axis->taps + k] = fmax(0.0, right - left) / ratio;
        }
    }
}

/* Linear between pixel centres: output i stands at (i + 1/2) in/out - 1/2, held inside. */
static void axis_fill_linear(struct resize_axis *axis)
{
    const double ratio = (double)axis->in / (double)axis->out;
    for (size_t i = 0; i < axis->out; i++) {
        const double at = fmin(fmax(((double)i + 0.5) * ratio - 0.5, 0.0), (double)(axis->in - 1));
        size_t first = (size_t)at;
        if (first + axis->taps > axis->in) {
            first = axis->in - axis->taps;
        }
        const double share = at - (double)first;
        axis->first[i] = first;
        axis->weight[i * axis->taps] = axis->taps > 1 ? 1.0 - share : 1.0;
        if (axis->taps > 1) {
            axis->weight[i * axis->taps + 1] = share;
        }
    }
}

static bool axis_init(struct resize_axis *axis, size_t in, size_t out)
{
    size_t taps = out >= in ? 2 : in / out + 2;
    if (taps > in) {
        taps = in;
    }
    *axis = (struct resize_axis){.in = in,
                                 .out = out,
                                 .taps = taps,
                                 .first = malloc(out * sizeof *axis->first),
                                 .weight = malloc(out * taps * sizeof *axis->weight)};
    if (axis->first == NULL || axis->weight == NULL) {
        return false;
    }
    if (out >= in) {
        axis_fill_linear(axis);
    } else {
        axis_fill_area(axis);
    }
    return true;
}

enum status resizer_init(struct resizer *r, size_t in_height, size_t in_width, size_t out_height,
                         size_t out_width, struct error *err)
{
    *r = (struct resizer){.lines = malloc(in_height * out_width * sizeof *r->lines)};
    if (r->lines == NULL || !axis_init(&r->x, in_width, out_width) ||
        !axis_init(&r->y, in_height, out_height)) {
        return RAISE(err, ERR_MEMORY, "no memory to resize pictures of %zu x %zu", in_width,
                     in_height);
    }
    return STATUS_OK;
}

bool resizer_fits(const struct resizer *r, size_t in_height, size_t in_width)
{
    return r->y.in == in_height && r->x.in == in_width;
}

void resizer_run(struct resizer *r, const double *in, double *out)
{
    const size_t width = r->x.out;
    for (size_t row = 0; row < r->y.in; row++) {
        const double *const line = in + row * r->x.in;
        for (size_t i = 0; i < width; i++) {
            double sum = 0.0;
            for (size_t k = 0; k < r->x.taps; k++) {
                sum += r->x.weight[i * r->x.taps + k] * line[r->x.first[i] + k];
            }
            r->lines[row * width + i] = sum;
        }
    }
    for (size_t j = 0; j < r->y.out; j++) {
        for (size_t i = 0; i < width; i++) {
            double sum = 0.0;
            for (size_t k = 0; k < r->y.taps; k++) {
                sum += r->y.weight[j * r->y.taps + k] * r->lines[(r->y.first[j] + k) * width + i];
            }
            out[j * width + i] = sum;
        }
    }
}

void resizer_free(struct resizer *r)
{
    free(r->x.first);
    free(r->x.weight);
    free(r->y.first);
    free(r->y.weight);
    free(r->lines);
    *r = (struct resizer){0};
}
