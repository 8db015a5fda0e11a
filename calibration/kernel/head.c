/* Linear head, softmax cross-entropy and their tangents (SPEC section 3); the two-layer generator
 * of ALFA (section 4.4). N and the generator are small: plain loops, arranged so that the inner one
 * runs along memory. */
#include "calibration/kernel/head.h"

#include <string.h>

/* Dot product in 16 partial sums, which the compiler can keep in vectors. */
static real dot(const real *restrict a, const real *restrict b, size_t n)
{
    real part[16] = {0};
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        for (size_t j = 0; j < 16; j++) {
            part[j] += a[i + j] * b[i + j];
        }
    }
    for (size_t j = 0; i + j < n; j++) {
        part[j] += a[i + j] * b[i + j];
    }
    for (size_t half = 8; half > 0; half /= 2) {
        for (size_t j = 0; j < half; j++) {
            part[j] += part[j + half];
        }
    }
    return part[0];
}

static void axpy(real scale, const real *restrict x, real *restrict y, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        y[i] += scale * x[i];
    }
}

void head_forward(const struct kernel_shape *s, size_t n, const real *head, const real *features,
                  real *logits)
{
    const size_t D = s->features, N = s->ways;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < N; k++) {
            logits[i * N + k] = dot(&features[i * D], &head[k * D], D) + head[N * D + k];
        }
    }
}

double head_loss(const struct kernel_shape *s, size_t n, const real *logits, const int32_t *labels,
                 real *prob, real *error, size_t *correct)
{
    const size_t N = s->ways;
    double loss = 0.0;
    size_t hits = 0;
    for (size_t i = 0; i < n; i++) {
        const real *o = &logits[i * N];
        real *p = &prob[i * N];
        const size_t label = (size_t)labels[i];
        size_t best = 0;
        for (size_t k = 1; k < N; k++) {
            best = o[k] > o[best] ? k : best;
        }
        hits += best == label;
        double sum = 0.0;
        for (size_t k = 0; k < N; k++) {
            p[k] = real_exp(o[k] - o[best]);
            sum += (double)p[k];
        }
        loss += log(sum) + (double)o[best] - (double)o[label];
        for (size_t k = 0; k < N; k++) {
            p[k] = (real)((double)p[k] / sum);
            error[i * N + k] = (p[k] - (real)(k == label)) / (real)n;
        }
    }
    if (correct) {
        *correct = hits;
    }
    return loss / (double)n;
}

void head_backward(const struct kernel_shape *s, size_t n, const real *head, const real *features,
                   const real *error, real *grad, real *features_bar)
{
    const size_t D = s->features, N = s->ways;
    memset(grad, 0, (N * D + N) * sizeof(real));
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < N; k++) {
            axpy(error[i * N + k], &features[i * D], &grad[k * D], D);
            grad[N * D + k] += error[i * N + k];
        }
    }
    for (size_t i = 0; features_bar && i < n; i++) {
        memset(&features_bar[i * D], 0, D * sizeof(real));
        for (size_t k = 0; k < N; k++) {
            axpy(error[i * N + k], &head[k * D], &features_bar[i * D], D);
        }
    }
}

void head_tangent(const struct kernel_shape *s, size_t n, const real *head, const real *v,
                  const real *features, const real *features_dot, const real *prob, real *error_dot)
{
    const size_t D = s->features, N = s->ways;
    for (size_t i = 0; i < n; i++) {
        real *od = &error_dot[i * N];
        const real *p = &prob[i * N];
        real mean = 0;
        for (size_t k = 0; k < N; k++) {
            od[k] = dot(&features[i * D], &v[k * D], D) + v[N * D + k];
            if (features_dot) {
                od[k] += dot(&features_dot[i * D], &head[k * D], D);
            }
            mean += p[k] * od[k];
        }
        for (size_t k = 0; k < N; k++) {
            od[k] = p[k] * (od[k] - mean) / (real)n;
        }
    }
}

void head_tangent_backward(const struct kernel_shape *s, size_t n, const real *head, const real *v,
                           const real *features, const real *features_dot, const real *error,
                           const real *error_dot, real *hv, real *features_bar_dot)
{
    const size_t D = s->features, N = s->ways;
    head_backward(s, n, head, features, error_dot, hv, features_bar_dot);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < N; k++) {
            if (features_dot) {
                axpy(error[i * N + k], &features_dot[i * D], &hv[k * D], D);
            }
            if (features_bar_dot) {
                axpy(error[i * N + k], &v[k * D], &features_bar_dot[i * D], D);
            }
        }
    }
}

/* ---------------------------------------------------------------- generator of ALFA */

void generator_forward(const struct kernel_shape *s, const real *phi, const real *in, real *hidden,
                       real *out)
{
    const size_t m2 = 2 * s->inners;
    for (size_t i = 0; i < m2; i++) {
        const real u = dot(&phi[s->w1 + i * m2], in, m2) + phi[s->b1 + i];
        hidden[i] = u > 0 ? u : 0;
    }
    for (size_t i = 0; i < m2; i++) {
        out[i] = dot(&phi[s->w2 + i * m2], hidden, m2) + phi[s->b2 + i];
    }
}

void generator_backward(const struct kernel_shape *s, const real *phi, const real *in, real *hidden,
                        const real *out_bar, real *grad_phi, real *in_bar)
{
    const size_t m2 = 2 * s->inners;
    for (size_t i = 0; i < m2; i++) {
        axpy(out_bar[i], hidden, &grad_phi[s->w2 + i * m2], m2);
        grad_phi[s->b2 + i] += out_bar[i];
    }
    for (size_t j = 0; j < m2; j++) {
        real bar = 0;
        for (size_t i = 0; hidden[j] > 0 && i < m2; i++) {
            bar += out_bar[i] * phi[s->w2 + i * m2 + j];
        }
        hidden[j] = bar;
    }
    memset(in_bar, 0, m2 * sizeof(real));
    for (size_t i = 0; i < m2; i++) {
        axpy(hidden[i], in, &grad_phi[s->w1 + i * m2], m2);
        grad_phi[s->b1 + i] += hidden[i];
        axpy(hidden[i], &phi[s->w1 + i * m2], in_bar, m2);
    }
}
