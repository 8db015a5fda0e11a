/* Separable resizing of one plane. Inner header of calibration/data.
 *
 * Along an axis that shrinks, each output is the mean of the input over its footprint (area: a box
 * filter with fractional ends); along an axis that grows it is linear between pixel centres, edges
 * held (bilinear). A resizer is planned for one pair of sizes and used for many images.
 */
#ifndef CALIBRATION_DATA_RESIZE_H
#define CALIBRATION_DATA_RESIZE_H

#include "model/base/base.h"

/* Output i is the sum over k < taps of weight[i*taps + k] * input[first[i] + k]. */
struct resize_axis {
    size_t in, out, taps;
    size_t *first;
    double *weight;
};

struct resizer {
    struct resize_axis x, y;
    double *lines; /* scratch: input height x output width */
};

/* Errors: ERR_MEMORY. Sizes > 0. Free with resizer_free(), also after an error. */
enum status resizer_init(struct resizer *r, size_t in_height, size_t in_width, size_t out_height,
                         size_t out_width, struct error *err);
bool resizer_fits(const struct resizer *r, size_t in_height, size_t in_width);
/* in (in_height, in_width) -> out (out_height, out_width). */
void resizer_run(struct resizer *r, const double *in, double *out);
void resizer_free(struct resizer *r);

#endif
