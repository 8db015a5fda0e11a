/* The meta-learning kernel against vectors of an independent automatic differentiation, against
 * finite differences, and against itself: fast and plain network, one thread and two. */
#include "calibration/calibration.h"
#include "tests/support.h"

#include <stdlib.h>
#include <string.h>

static void check_folder(const char *folder, enum kernel_path path)
{
    struct error err = {0};
    struct text report = {0};
    size_t failures = 0;
    assert_ok(kernel_check(folder, path, &report, &failures, &err), &err);
    if (failures) {
        print_error("%s", report.data);
    }
    assert_int_equal(failures, 0);
    assert_non_null(strstr(report.data, "grad_theta"));
    text_free(&report);
}

static void plain_network_agrees_with_reference_vectors(void **state)
{
    (void)state;
    check_folder("tests/data/kernel", KERNEL_PATH_PLAIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_network_agrees_with_reference_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
