// SPDX-License-Identifier: BSD-2-Clause
#include "control/tree.h"

#include "base/mem.h"
#include "tests/unit/harness.h"

struct inner {
    char *cert;
};

struct outer {
    char *name;
    struct setting_list nets;
};

static const struct setting_row outer_rows[] = {
    {.name = "name", .type = SETTING_TEXT, .offset = offsetof(struct outer, name)},
    {.name = "nets", .type = SETTING_NETS, .offset = offsetof(struct outer, nets)},
};

static const struct setting_row inner_rows[] = {
    {.name = "cert", .type = SETTING_TEXT, .offset = offsetof(struct inner, cert)},
    {.name = "name", .type = SETTING_TEXT, .offset = offsetof(struct inner, cert)},
};

static const size_t row_count = 2;
static const struct tree_table outer_table = {outer_rows, &row_count};
static const struct tree_table inner_table = {inner_rows, &row_count};
static const struct tree_rules inner_rules = {
    .name = "tls", .tables = &inner_table, .table_count = 1};
static const struct tree_rules outer_rules = {.name = "listen",
                                              .tables = &outer_table,
                                              .table_count = 1,
                                              .sections = &inner_rules,
                                              .section_count = 1};

static struct tree *
make_tree(void)
{
    struct tree *tree = mem_zalloc(sizeof *tree);
    struct tree_section *inner = mem_zalloc(sizeof *inner);

    tree->files = mem_zarray(1, sizeof(char *));
    tree->files[tree->file_count++] = mem_strdup("main.conf");
    tree->root = (struct tree_section){.rules = &outer_rules, .file = tree->files[0], .line = 3};
    tree->root.entries = mem_zarray(1, sizeof *tree->root.entries);
    tree->root.entries[tree->root.entry_count++] =
        (struct tree_entry){.name = "name", .file = "sub.conf", .line = 7};
    *inner = (struct tree_section){
        .rules = &inner_rules, .title = mem_strdup(""), .file = tree->files[0], .line = 5};
    tree->root.sections = mem_zarray(1, sizeof(struct tree_section *));
    tree->root.sections[tree->root.section_count++] = inner;
    return tree;
}

static const struct {
    const char *name, *text, *expected;
} fails[] = {
    {"an entry",             "name: too long",  "sub.conf:7: name: too long"  },
    {"not set",              "nets: missing",   "main.conf:3: nets: missing"  },
    {"of the inner section", "cert: missing",   "main.conf:5: cert: missing"  },
    {"no setting's name",    "something broke", "main.conf:3: something broke"},
};

static void
errors_get_their_line(void)
{
    struct tree *tree = make_tree();

    for (size_t i = 0; i < UNIT_COUNT(fails); i++) {
        struct err err;

        (void)err_set(&err, ERR_PERM, "%s", fails[i].text);
        UNIT_CHECK_ROW(fails[i].name, tree_fail(&tree->root, &err) == -1);
        UNIT_CHECK_ROW(fails[i].name, strcmp(err.text, fails[i].expected) == 0);
    }
    tree_free(&tree);
    CU_ASSERT_PTR_NULL(tree);
    tree_free(&tree);
}

static void
names_are_found(void)
{
    struct tree *tree = make_tree();

    CU_ASSERT_PTR_EQUAL(tree_find(&tree->root, "name"), &tree->root.entries[0]);
    CU_ASSERT_PTR_NULL(tree_find(&tree->root, "nets"));
    CU_ASSERT_PTR_EQUAL(tree_find_section(&tree->root, "tls"), tree->root.sections[0]);
    CU_ASSERT_PTR_NULL(tree_find_section(&tree->root, "listen"));
    CU_ASSERT_PTR_EQUAL(tree_find_row(&outer_rules, "nets"), &outer_rows[1]);
    CU_ASSERT_PTR_NULL(tree_find_row(&outer_rules, "cert"));
    CU_ASSERT(tree_is_list(&outer_rows[1]));
    CU_ASSERT(!tree_is_list(&outer_rows[0]));
    tree_free(&tree);
}

static const struct unit_test tests[] = {
    {"errors get their line", errors_get_their_line},
    {"names are found",       names_are_found      },
};

UNIT_MAIN("control/tree", tests)
