// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/tool/fake_postconf.h - a postconf in front of PATH: main.cf and master.cf are lines
// "NAME<tab>VALUE". Told of "fatal", "killed" or "silent" it ends badly; of what STUBBORN
// matches it does nothing.
#ifndef POSTERN_TESTS_UNIT_TOOL_FAKE_POSTCONF_H
#define POSTERN_TESTS_UNIT_TOOL_FAKE_POSTCONF_H

#include "base/mem.h"
#include "tests/unit/control/scratch.h"

// clang-format off
#define FAKE_POSTCONF \
    "#!/bin/sh\n" \
    "[ \"$1\" = -c ] && folder=$2 && shift 2 || folder=$MAIL_CONFIG\n" \
    "option=$1; shift\n" \
    "case $option in -M*) file=$folder/master.cf;; *) file=$folder/main.cf;; esac\n" \
    "for word do\n" \
    "name=${word%%=*} value=${word#*=}\n" \
    "others() { awk -F'\\t' -v n=\"$name\" '$1 != n' $file; }\n" \
    "case $word in\n" \
    "config_directory) echo \"$folder\"; exit;;\n" \
    "fatal*) echo 'postconf: warning: x' >&2; echo 'postconf: fatal: no way' >&2; exit 1;;\n" \
    "killed) kill -9 $$;;\n" \
    "silent) exit 3;;\n" \
    "${STUBBORN:-none}) continue;;\n" \
    "esac\n" \
    "case $option$word in\n" \
    "-X*|-MX*) others >$file.new; mv $file.new $file;;\n" \
    "*=*) { others; printf '%s\\t%s\\n' \"$name\" \"$value\"; } >$file.new\n" \
    "mv $file.new $file;;\n" \
    "*) awk -F'\\t' -v n=\"$name\" '$1 == n {print $2}' $file;;\n" \
    "esac\n" \
    "done\n"

// clang-format on

static inline void
fake_postconf_make(struct scratch *scratch)
{
    char path[1024], *search;

    scratch_make(scratch);
    scratch_folder(scratch, "bin");
    scratch_folder(scratch, "conf");
    scratch_write(scratch, "bin/postconf", FAKE_POSTCONF);
    scratch_name(scratch, "bin/postconf", path);
    if (chmod(path, 0755) != 0)
        abort();
    search = mem_printf("%s/bin:/usr/bin:/bin", scratch->path);
    if (setenv("PATH", search, 1) != 0)
        abort();
    mem_free(&search);
    scratch_write(scratch, "conf/main.cf", "myhostname\tmx\n");
    scratch_write(scratch, "conf/master.cf", "smtp/inet\tsmtp inet n - y - - smtpd\n");
}

static inline char *
fake_postconf_read(const struct scratch *scratch, const char *name)
{
    char path[1024], *text = mem_zalloc(1 << 16);
    FILE *file;

    scratch_name(scratch, name, path);
    file = fopen(path, "r");
    if (file != NULL) {
        (void)!fread(text, 1, (1 << 16) - 1, file);
        fclose(file);
    }
    return text;
}

#endif
