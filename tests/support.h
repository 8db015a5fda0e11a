/* What every test program shares: cmocka, and a comparison of doubles that prints both sides
 * (cmocka 1.1.5 compares only floats). */
#ifndef TESTS_SUPPORT_H
#define TESTS_SUPPORT_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* |actual - expected| <= relative * |expected|, or both zero, or the same infinity. */
#define assert_close(actual, expected, relative)                                                   \
    assert_close_at((actual), (expected), (relative), #actual, __FILE__, __LINE__)

static inline void assert_close_at(double actual, double expected, double relative,
                                   const char *what, const char *file, int line)
{
    if (actual == expected || fabs(actual - expected) <= relative * fabs(expected)) {
        return;
    }
    print_error("%s is %.17g, expected %.17g (off by %.3g, allowed %.3g relative)\n", what, actual,
                expected, actual - expected, relative);
    _fail(file, line);
}

/* A call that must succeed; prints the error's own words otherwise. */
#define assert_ok(call, err)                                                                       \
    do {                                                                                           \
        if ((call) != STATUS_OK) {                                                                 \
            char shown_[1200];                                                                     \
            error_format((err), shown_, sizeof shown_);                                            \
            print_error("%s\n", shown_);                                                           \
            _fail(__FILE__, __LINE__);                                                             \
        }                                                                                          \
    } while (0)

#endif
