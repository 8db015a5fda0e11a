/* The learned update rule of ALFA (Baik et al. 2020; MetaFaaS eq. 10) and of eALFA (MetaFaaS
 * Algorithm 2), SPEC sections 4.4 and 4.5, with M inner tensors w_i:
 *
 *   e = [mean(w_1)..mean(w_M), mean(g_1)..mean(g_M)],  o = g_phi(e)
 *   w_i <- (1 - o_{M+i} b_i P_i) w_i - o_i a_i g_i
 *
 * a_i, b_i are learned per tensor and step; P_i is a learned tensor, or 1. The gradient means are
 * constants for differentiation, as in the official code; the weight means are not. */
#include "calibration/kernel/task.h"

/* One inner tensor's places. */
struct place {
    size_t count;
    real *w, *next, *g; /* at this step, after it, its gradient */
    real *lambda, *v;
    const real *decay; /* P_i, or NULL for 1 */
    size_t decay_at;   /* its offset in phi */
    size_t rate_at;    /* offset of a_{i,t}; b_{i,t} is as far from s->beta */
};

static struct place place_of(struct task *t, const real *phi, size_t i, size_t step)
{
    const struct kernel_shape *s = t->shape;
    const struct kernel_tensor *x = &s->tensor[s->inner[i]];
    const size_t at = x->offset - s->adapted;
    return (struct place){
        .count = x->count,
        .w = t->theta[step] + at,
        .next = t->theta[step + 1] + at,
        .g = t->grad[step] + at,
        .lambda = t->lambda + x->offset,
        .v = t->v + x->offset,
        .decay = s->decay ? phi + s->decay_offset[i] : NULL,
        .decay_at = s->decay_offset[i],
        .rate_at = i * s->steps + step,
    };
}

static double mean(const real *x, size_t n)
{
    double part[8] = {0};
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        for (size_t j = 0; j < 8; j++) {
            part[j] += (double)x[i + j];
        }
    }
    for (size_t j = 0; i + j < n; j++) {
        part[j] += (double)x[i + j];
    }
    double sum = 0.0;
    for (size_t j = 0; j < 8; j++) {
        sum += part[j];
    }
    return sum / (double)n;
}

/* sum x y p; p NULL is 1 */
static double dot3(const real *x, const real *y, const real *p, size_t n)
{
    double part[8] = {0};
    for (size_t i = 0; i < n; i++) {
        const real xy = p ? x[i] * y[i] * p[i] : x[i] * y[i];
        part[i % 8] += (double)xy;
    }
    double sum = 0.0;
    for (size_t j = 0; j < 8; j++) {
        sum += part[j];
    }
    return sum;
}

void alfa_update(struct task *t, const real *phi, size_t step)
{
    const struct kernel_shape *s = t->shape;
    const size_t M = s->inners;
    real *in = &t->gen_in[step * 2 * M], *out = &t->gen_out[step * 2 * M];
    for (size_t i = 0; i < M; i++) {
        const struct place p = place_of(t, phi, i, step);
        in[i] = (real)mean(p.w, p.count);
        /* Softmax errors of an image sum to zero, so both gradients of the head have mean 0; their
         * rounding noise would be amplified by Adam, which divides small gradients by themselves.
         */
        in[M + i] = s->inner[i] >= 4 * s->layers ? 0 : (real)mean(p.g, p.count);
    }
    generator_forward(s, phi, in, &t->gen_hidden[step * 2 * M], out);
    /* Batch norm does not adapt: carry everything over, then move the inner tensors. */
    for (size_t i = 0; i < s->theta_count - s->adapted; i++) {
        t->theta[step + 1][i] = t->theta[step][i];
    }
    for (size_t i = 0; i < M; i++) {
        const struct place p = place_of(t, phi, i, step);
        const real rate = out[i] * phi[s->alpha + p.rate_at];
        const real decay = out[M + i] * phi[s->beta + p.rate_at];
        for (size_t j = 0; j < p.count; j++) {
            const real keep = 1 - decay * (p.decay ? p.decay[j] : 1);
            p.next[j] = keep * p.w[j] - rate * p.g[j];
        }
    }
}

void alfa_reverse(struct task *t, const real *phi, size_t step, real *grad_phi)
{
    const struct kernel_shape *s = t->shape;
    const size_t M = s->inners;
    const real *in = &t->gen_in[step * 2 * M], *out = &t->gen_out[step * 2 * M];
    for (size_t i = 0; i < M; i++) {
        const struct place p = place_of(t, phi, i, step);
        const double a = (double)phi[s->alpha + p.rate_at], b = (double)phi[s->beta + p.rate_at];
        const double lg = dot3(p.lambda, p.g, NULL, p.count);
        const double lw = dot3(p.lambda, p.w, p.decay, p.count);
        t->gen_bar[i] = (real)(-a * lg);
        t->gen_bar[M + i] = (real)(-b * lw);
        grad_phi[s->alpha + p.rate_at] = (real)(-(double)out[i] * lg);
        grad_phi[s->beta + p.rate_at] = (real)(-(double)out[M + i] * lw);
        const real scale = out[M + i] * (real)b;
        for (size_t j = 0; p.decay && j < p.count; j++) {
            grad_phi[p.decay_at + j] -= scale * p.lambda[j] * p.w[j];
        }
    }
    generator_backward(s, phi, in, &t->gen_hidden[step * 2 * M], t->gen_bar, grad_phi,
                       t->gen_in_bar);
    for (size_t i = 0; i < s->theta_count; i++) {
        t->v[i] = 0;
    }
    for (size_t i = 0; i < M; i++) {
        const struct place p = place_of(t, phi, i, step);
        const real rate = out[i] * phi[s->alpha + p.rate_at];
        const real decay = out[M + i] * phi[s->beta + p.rate_at];
        const real share = t->gen_in_bar[i] / (real)p.count;
        for (size_t j = 0; j < p.count; j++) {
            p.v[j] = rate * p.lambda[j];
            p.lambda[j] = (1 - decay * (p.decay ? p.decay[j] : 1)) * p.lambda[j] + share;
        }
    }
}
