/* Runs a fuzz target over the files of a folder: the saved inputs are a test under every compiler,
 * with or without libFuzzer. Usage: PROGRAM FOLDER. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/base/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
    DIR *const folder = argc == 2 ? opendir(argv[1]) : NULL;
    if (folder == NULL) {
        fprintf(stderr, "usage: fuzz_replay FOLDER\n");
        return 2;
    }
    int files = 0;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        char path[1024], *data = NULL;
        size_t n = 0;
        struct error err = {0};
        snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
        if (file_read(path, (size_t)1 << 24, &data, &n, &err) != STATUS_OK) {
            fprintf(stderr, "%s\n", err.message);
            return 1;
        }
        printf("%s\n", path);
        fflush(stdout);
        LLVMFuzzerTestOneInput((const uint8_t *)data, n);
        free(data);
        files++;
    }
    closedir(folder);
    return files > 0 ? 0 : 1;
}
