// SPDX-License-Identifier: BSD-2-Clause
#include "control/grammar.h"

#include "tests/unit/control/scratch.h"
#include "tests/unit/harness.h"

// Only names and kinds of rows matter here; nothing is parsed into them.
static const struct setting_row file_rows[] = {
    {.name = "size", .type = SETTING_SIZE },
    {.name = "name", .type = SETTING_TEXT },
    {.name = "list", .type = SETTING_TIMES},
};

static const struct setting_row listen_rows[] = {
    {.name = "nets", .type = SETTING_NETS  },
    {.name = "mode", .type = SETTING_CHOICE},
};

static const struct setting_row tls_rows[] = {
    {.name = "cert", .type = SETTING_TEXT},
};

static const size_t file_count = 3, listen_count = 2, tls_count = 1;
static const struct tree_table file_table = {file_rows, &file_count};
static const struct tree_table listen_table = {listen_rows, &listen_count};
static const struct tree_table tls_table = {tls_rows, &tls_count};
static const struct tree_rules tls = {.name = "tls", .tables = &tls_table, .table_count = 1};
static const struct tree_rules sections[] = {
    {.name = "listen",
     .has_title = true,
     .tables = &listen_table,
     .table_count = 1,
     .sections = &tls,
     .section_count = 1},
    {.name = "spool", .tables = &tls_table, .table_count = 1   },
};
static const struct tree_rules rules = {
    .name = "", .tables = &file_table, .table_count = 1, .sections = sections, .section_count = 2};

static void
add_section(const struct tree_section *section, const char *folder, struct buf *out)
{
    for (size_t i = 0; i < section->entry_count; i++) {
        const struct tree_entry *entry = &section->entries[i];

        (void)buf_printf(out, "%s:%u %s%s", entry->file + strlen(folder) + 1, entry->line,
                         entry->name, entry->adds ? "+" : "");
        for (size_t j = 0; j < entry->count; j++)
            (void)buf_printf(out, " [%s]", entry->values[j]);
        (void)buf_add_text(out, "; ");
    }
    for (size_t i = 0; i < section->section_count; i++) {
        const struct tree_section *inner = section->sections[i];

        (void)buf_printf(out, "%s:%u %s \"%s\" { ", inner->file + strlen(folder) + 1, inner->line,
                         inner->rules->name, inner->title);
        add_section(inner, folder, out);
        (void)buf_add_text(out, "} ");
    }
}

static const struct {
    const char *name, *text, *expected; // the tree, or the error (@ is the folder)
    bool is_good;
} rows[] = {
    {"empty",                        "",                                                                                "",                                                           true },
    {"comments only",                "# a\n/* b */ // c",                                                               "",                                                           true },
    {"scalars",                      "size=5 name = \"a b\"\n",                                                         "f:1 size [5]; f:1 name [a b]; ",                             true },
    {"CRLF",                         "size = 5\r\nname = x\r\n",                                                        "f:1 size [5]; f:2 name [x]; ",                               true },
    {"lines behind a comment",       "/* c */ /* d\n */\nsize=5",                                                       "f:3 size [5]; ",                                             true },
    {"list",                         "list = {a, \"b\",\n c,}",                                                         "f:1 list [a] [b] [c]; ",                                     true },
    {"list of one",                  "list = a",                                                                        "f:1 list [a]; ",                                             true },
    {"empty list",                   "\nlist = {}\n",                                                                   "f:3 list; ",                                                 true },
    {"list that goes on",            "list = {a}\nlist += {b}",                                                         "f:1 list [a] [b]; ",                                         true },
    {"list added to the default",    "list += {a, b}",                                                                  "f:1 list+ [a] [b]; ",                                        true },
    {"sections",                     "listen \"x\"\n{\n mode = y\n tls { cert = 'c' } }\nspool {}\nlisten z {nets={}}",
     "f:2 listen \"x\" { f:3 mode [y]; f:4 tls \"\" { f:4 cert [c]; } } f:5 spool \"\" { } "
     "f:6 listen \"z\" { f:6 nets; } ",                                                                                                                                               true },
    {"variable of the environment",  "name = \"${POSTERN_TEST}\" size=${POSTERN_NONE:-7}",
     "f:1 name [of the test]; f:1 size [7]; ",                                                                                                                                        true },
    {"include",                      "size=1 include(\"a.conf\")\nname=x",
     "f:1 size [1]; a.conf:2 list [q]; f:2 name [x]; ",                                                                                                                               true },
    {"include many",                 "include(\"d/*.conf\")\nname=x",
     "d/1.conf:1 size [1]; f:2 name [x]; d/2.conf:2 listen \"y\" { } ",                                                                                                               true },
    {"include nothing",              "include(\"e/*.conf\")\nname=x",                                                   "f:2 name [x]; ",                                             true },

    {"unknown",                      "\nsize=5\nsizes=5",                                                               "@/f:3: sizes: there is no such setting; did you mean size?",
     false                                                                                                                                                                                 },
    {"unknown, nothing near",        "quarantine = 5",                                                                  "@/f:1: quarantine: there is no such setting",
     false                                                                                                                                                                                 },
    {"unknown section",              "\nredis { }",                                                                     "@/f:2: redis: there is no such setting",                     false},
    {"unknown behind comments",      "/* a */\n/* b */\nredis = 1",
     "@/f:3: redis: there is no such setting",                                                                                                                                        false},
    {"unknown in a section",         "listen x {\n\nnett = 1 }",
     "@/f:3: nett: there is no such setting in listen; did you mean nets?",                                                                                                           false},
    {"unknown in an inner section",  "listen x { tls {\ncerts = 1 } }",
     "@/f:2: certs: there is no such setting in tls; did you mean cert?",                                                                                                             false},
    {"path to a section",            "listen x { }\n\"listen|mode\" = 1",
     "@/f:2: mode: there is no such setting",                                                                                                                                         false},
    {"marker",                       "\"\" = {x}",                                                                      "@/f:1: expected name = value",                               false},
    {"twice",                        "size=5\nname=x\nsize=5",                                                          "@/f:3: size: it is there already, on line 1",                false},
    {"twice in a section",           "listen x { mode=a\nmode=b }",
     "@/f:2: mode: it is there already, on line 1",                                                                                                                                   false},
    {"twice over files",             "list={x}\ninclude(\"a.conf\")",
     "@/a.conf:2: list: it is there already, at @/f:1",                                                                                                                               false},
    {"list twice",                   "list = {a, b}\n\nlist = {c}",                                                     "@/f:3: list: it is there already, on line 1",
     false                                                                                                                                                                                 },
    {"list emptied",                 "list = {a, b}\nlist = {}\n",                                                      "@/f:3: list: it is there already, on line 1",
     false                                                                                                                                                                                 },
    {"section twice",                "spool { }\nspool { }",                                                            "@/f:2: spool: it is there already, on line 1",
     false                                                                                                                                                                                 },
    {"title twice",                  "listen x { mode=1 }\nlisten y { }\nlisten x\n{ }\n",
     "@/f:4: listen \"x\": it is there already, on line 1",                                                                                                                           false},
    {"inner section twice",          "listen x { tls { }\ntls { } }",
     "@/f:2: tls: it is there already, on line 1",                                                                                                                                    false},
    {"no value",                     "size =\n\n",                                                                      "@/f:3: premature end of file",                               false},
    {"no equal sign",                "\nsize 5",                                                                        "@/f:2: missing equal sign after option 'size'",              false},
    {"list for a scalar",            "size = {5}",                                                                      "@/f:1: unexpected token '{'",                                false},
    {"no comma",                     "list = {a b}",                                                                    "@/f:1: unexpected token 'b'",                                false},
    {"appending to a scalar",        "\nname += a",                                                                     "@/f:2: attempt to append to non-list option 'name'",
     false                                                                                                                                                                                 },
    {"no title",                     "listen { }",                                                                      "@/f:1: missing title for section 'listen'",                  false},
    {"no brace",                     "listen x mode",                                                                   "@/f:1: missing opening brace for section 'listen'",          false},
    {"open section",                 "size=1\nspool {\ncert=x",                                                         "@/f:2: expected } behind the { that stands here",
     false                                                                                                                                                                                 },
    {"open text",                    "\nname = \"x",                                                                    "@/f:2: expected \" behind the text that begins here",        false},
    {"open comment",                 "name = x /* y",                                                                   "@/f:1: expected */ behind the comment that begins here",
     false                                                                                                                                                                                 },
    {"include missing",              "\ninclude(\"none.conf\")",
     "@/f:2: include: there is no file \"none.conf\"",                                                                                                                                false},
    {"include a folder",             "include(\"d\")",                                                                  "@/d: expected a plain file",                                 false},
    {"include with two",             "include(\"a\", \"b\")",                                                           "@/f:1: include: expected the name of one file",
     false                                                                                                                                                                                 },
    {"include of nothing",           "include()",                                                                       "@/f:1: include: expected the name of one file",              false},
    {"include in a section",         "spool { include(\"a.conf\") }",
     "@/f:1: include: there is no such setting in spool",                                                                                                                             false},
    {"include itself",               "include(\"self.conf\")",
     "@/self.conf:2: include: expected fewer files inside others",                                                                                                                    false},
    {"include with an error",        "\n\ninclude(\"bad.conf\")",
     "@/bad.conf:2: sise: there is no such setting; did you mean size?",                                                                                                              false},
    {"include with an open comment", "include(\"open.conf\")",
     "@/open.conf:1: expected */ behind the comment that begins here",                                                                                                                false},
    {"include closes a section",     "include(\"close.conf\")",
     "@/close.conf:1: } without a { before it",                                                                                                                                       false},
};

static void
make_files(struct scratch *scratch)
{
    scratch_make(scratch);
    scratch_folder(scratch, "d");
    scratch_write(scratch, "a.conf", "# a\nlist = {q}\n");
    scratch_write(scratch, "d/1.conf", "size=1");
    scratch_write(scratch, "d/2.conf", "\nlisten y {}");
    scratch_write(scratch, "self.conf", "\ninclude(\"self.conf\")");
    scratch_write(scratch, "bad.conf", "\nsise=1");
    scratch_write(scratch, "open.conf", "/*");
    scratch_write(scratch, "close.conf", "}");
}

static void
check_row(const struct scratch *scratch, size_t i)
{
    char path[1024], expected[4096];
    struct tree *tree = NULL;
    struct err err = {ERR_NONE, ""};
    struct buf got;
    int result;

    scratch_write(scratch, "f", rows[i].text);
    scratch_name(scratch, "f", path);
    scratch_expand(scratch, rows[i].expected, expected, sizeof expected);
    buf_init(&got, 4096);
    result = grammar_read(path, &rules, &tree, &err);
    UNIT_CHECK_ROW(rows[i].name, (result == 0) == rows[i].is_good);
    UNIT_CHECK_ROW(rows[i].name, result == 0 || err.kind == ERR_PERM);
    if (result == 0)
        add_section(&tree->root, scratch->path, &got);
    else
        (void)buf_add_text(&got, err.text);
    UNIT_CHECK_ROW(rows[i].name, strcmp(buf_text(&got), expected) == 0);
    if (strcmp(buf_text(&got), expected) != 0)
        fprintf(stderr, "got      %s\nexpected %s\n", buf_text(&got), expected);
    buf_clear(&got);
    tree_free(&tree);
}

// Each is read after all that went wrong before: nothing of it stays in the library.
static void
rows_hold(void)
{
    struct scratch scratch;

    setenv("POSTERN_TEST", "of the test", 1);
    unsetenv("POSTERN_NONE");
    make_files(&scratch);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++)
        check_row(&scratch, i);
    for (size_t i = UNIT_COUNT(rows); i-- > 0;)
        check_row(&scratch, i);
    scratch_remove(&scratch);
}

static void
files_that_are_none(void)
{
    struct scratch scratch;
    struct tree *tree = NULL;
    struct err err;
    char path[1024], expected[2048];

    scratch_make(&scratch);
    CU_ASSERT(grammar_read(scratch.path, &rules, &tree, &err) == -1);
    snprintf(expected, sizeof expected, "%s: expected a plain file", scratch.path);
    CU_ASSERT_STRING_EQUAL(err.text, expected);
    scratch_name(&scratch, "none", path);
    CU_ASSERT(grammar_read(path, &rules, &tree, &err) == -1);
    snprintf(expected, sizeof expected, "%s: cannot open it: No such file or directory", path);
    CU_ASSERT_STRING_EQUAL(err.text, expected);
    scratch_write_bytes(&scratch, "nul", "size=1\nname=\0x\n", 15);
    scratch_name(&scratch, "nul", path);
    CU_ASSERT(grammar_read(path, &rules, &tree, &err) == -1);
    snprintf(expected, sizeof expected, "%s:2: a NUL byte: expected a text file", path);
    CU_ASSERT_STRING_EQUAL(err.text, expected);
    scratch_remove(&scratch);
}

// More than libconfuse could include.
static void
many_files(void)
{
    struct scratch scratch;
    struct tree *tree = NULL;
    struct err err = {ERR_NONE, ""};
    char path[1024], name[64], text[64], expected[2048];

    scratch_make(&scratch);
    scratch_folder(&scratch, "d");
    for (int i = 0; i < 255; i++) {
        snprintf(name, sizeof name, "d/%03d.conf", i);
        snprintf(text, sizeof text, "listen x%d {}", i);
        scratch_write(&scratch, name, text);
    }
    scratch_write(&scratch, "f", "include(\"d/*.conf\")");
    scratch_name(&scratch, "f", path);
    CU_ASSERT(grammar_read(path, &rules, &tree, &err) == 0);
    CU_ASSERT_FATAL(tree != NULL && tree->root.section_count == 255);
    CU_ASSERT_STRING_EQUAL(tree->root.sections[254]->title, "x254");
    tree_free(&tree);
    scratch_write(&scratch, "d/999.conf", "");
    CU_ASSERT(grammar_read(path, &rules, &tree, &err) == -1);
    snprintf(expected, sizeof expected, "%s:1: include: expected fewer files in all", path);
    CU_ASSERT_STRING_EQUAL(err.text, expected);
    scratch_remove(&scratch);
}

static const struct unit_test tests[] = {
    {"rows hold",           rows_hold          },
    {"files that are none", files_that_are_none},
    {"many files",          many_files         },
};

UNIT_MAIN("control/grammar", tests)
