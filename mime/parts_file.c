// SPDX-License-Identifier: BSD-2-Clause
#include "mime/parts_file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fs.h"

int
parts_file_new(uint64_t max, struct err *err)
{
    int fd = fs_memory_file("parts", err);

    if (fd < 0)
        return -1;
    if (ftruncate(fd, (off_t)max) == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_GROW) == 0)
        return fd;
    err_sys(err, ERR_TEMP, errno, "file for decoded parts");
    (void)close(fd);
    return -1;
}

int
parts_file_seal(int fd, uint64_t len, struct err *err)
{
    // Longer is refused: it must not grow.
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE) != 0 || ftruncate(fd, (off_t)len) != 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_SEAL) != 0)
        return err_sys(err, ERR_TEMP, errno, "seal %llu bytes of decoded parts",
                       (unsigned long long)len);
    return 0;
}
