// SPDX-License-Identifier: BSD-2-Clause
// Runs committed seeds through a fuzz entry where libFuzzer is not linked.
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
replay_file(const char *folder, const char *name)
{
    static uint8_t data[1 << 20];
    char path[4096];
    FILE *file;
    size_t size;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    file = fopen(path, "rb");
    if (file == NULL)
        return -1;
    size = fread(data, 1, sizeof(data), file);
    fclose(file);

    // A block of its own, so that reading past the end is seen.
    uint8_t *copy = malloc(size + (size == 0));
    if (copy == NULL)
        return -1;
    memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    return 0;
}

int
main(int argc, char **argv)
{
    struct dirent *entry;
    unsigned count = 0;
    DIR *folder;

    if (argc != 2 || (folder = opendir(argv[1])) == NULL) {
        fprintf(stderr, "usage: %s FOLDER-OF-SEEDS\n", argv[0]);
        return 64;
    }
    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        if (replay_file(argv[1], entry->d_name) != 0) {
            perror(entry->d_name);
            return 74;
        }
        count++;
    }
    closedir(folder);
    printf("%u seeds\n", count);
    return count > 0 ? 0 : 1;
}
