// SPDX-License-Identifier: BSD-2-Clause
#include "policy/evidence.h"

#include "tests/unit/policy/answer.h"

static const struct answer_row rows[] = {
    {"header=X-Spam: *",      "header=X-Spam:yes",                                                 "yes"    },
    {"header=x-spam: Y*",     "header=X-Spam:_yes_",                                               "yes"    },
    {"header=X-*: yes",       "header=X-Spam:yes",                                                 "yes"    },
    {"header=X-Spam: no",     "header=X-Spam:yes",                                                 "no"     },
    {"header=X-Spam: no",     "header=X-Spam:yes header=X-Spam:no",                                "yes"    },
    {"header=!X-Spam: *",     "",                                                                  "yes"    },
    {"header=X-Spam: *",      "nolook",                                                            "dissect"},
    {"header=X-Spam: *",      "limit=3",                                                           "dissect"},
    {"header=X-Spam: *",      "limit=3 header=X-Spam:yes",                                         "yes"    },
    {"header=!X-Spam: *",     "limit=3",                                                           "dissect"},
    {"subject=*money*",       "header=Subject:Make_MONEY_fast",                                    "yes"    },
    {"subject=*money*",       "header=Comments:money",                                             "no"     },
    {"subject=*",             "",                                                                  "no"     },
    {"attachment=*.exe",      "part=a.exe",                                                        "yes"    },
    {"attachment=*.exe",      "part=dir/a.exe.",                                                   "yes"    },
    {"attachment=*.exe",      "part=a.txt",                                                        "no"     },
    {"attachment=!*.exe",     "part=a.txt part=b.exe",                                             "no"     },
    {"attachment=*.exe",      "part=a.txt limit=7",                                                "dissect"},
    {"mime_type=multipart/*", "part=a",                                                            "yes"    },
    {"mime_type=image/*",     "part=a",                                                            "no"     },
    {"encrypted=yes",         "part=a",                                                            "no"     },
    {"encrypted=no",          "part=a",                                                            "yes"    },
    {"encrypted=no",          "limit=7",                                                           "dissect"},
    {"encrypted=yes",         "limit=7",                                                           "dissect"},
    {"encrypted=yes",         "nolook",                                                            "dissect"},
    {"auth=dkim=pass",        "header=Authentication-Results:mx.example.com;_dkim=pass",           "yes"    },
    {"auth=dkim=pass",        "header=Authentication-Results:other.example;_dkim=pass",            "no"     },
    {"auth=*=fail",           "header=Authentication-Results:mx.example.com;_dkim=pass;_spf=fail", "yes"    },
    {"auth=spf=*fail",        "header=Authentication-Results:mx.example.com;_spf=softfail",        "yes"    },
    {"auth=!dkim=pass",       "",                                                                  "yes"    },
};

static void
test_rows(void)
{
    answer_check_all(rows, UNIT_COUNT(rows), false);
}

struct special_row {
    const char *condition, *expected;
    bool part_encrypted, member_encrypted;
    const char *sniffed, *member, *member_sniffed;
    int defect; // DEFECT_COUNT: none
};

static const struct special_row special_rows[] = {
    {"encrypted=yes",                      "yes", true,  false, "",                      "a",         "",                      DEFECT_COUNT       },
    {"encrypted=yes",                      "yes", false, true,  "",                      "a",         "",                      DEFECT_COUNT       },
    {"encrypted=no",                       "no",  false, true,  "",                      "a",         "",                      DEFECT_COUNT       },
    {"attachment=*.exe",                   "yes", false, false, "",                      "dir/a.exe", "",                      DEFECT_COUNT       },
    {"attachment=*.exe",                   "no",  false, false, "",                      "a.txt",     "",                      DEFECT_COUNT       },
    {"mime_type=application/x-dosexec",    "yes", false, false, "application/x-dosexec", "a",         "",
     DEFECT_COUNT                                                                                                                                 },
    {"mime_type=application/x-dosexec",    "yes", false, false, "",                      "a",         "application/x-dosexec",
     DEFECT_COUNT                                                                                                                                 },
    {"mime_type=application/octet-stream", "yes", false, false, "text/plain",            "a",         "",
     DEFECT_COUNT                                                                                                                                 },
    {"defect=*",                           "no",  false, false, "",                      "a",         "",                      DEFECT_COUNT       },
    {"defect=*",                           "yes", false, false, "",                      "a",         "",                      DEFECT_NUL         },
    {"defect=nul",                         "yes", false, false, "",                      "a",         "",                      DEFECT_NUL         },
    {"defect=bare_cr",                     "no",  false, false, "",                      "a",         "",                      DEFECT_NUL         },
    {"defect=ambiguous",                   "no",  false, false, "",                      "a",         "",                      DEFECT_NUL         },
    {"defect=ambiguous",                   "yes", false, false, "",                      "a",         "",                      DEFECT_NAMES_DIFFER},
    {"defect=names_differ",                "yes", false, false, "",                      "a",         "",                      DEFECT_NAMES_DIFFER},
    {"defect=!ambiguous",                  "no",  false, false, "",                      "a",         "",                      DEFECT_NAMES_DIFFER},
};

static void
test_special(void)
{
    for (size_t i = 0; i < UNIT_COUNT(special_rows); i++) {
        const struct special_row *row = &special_rows[i];
        struct answer_row asked = {row->condition, "", row->expected};
        struct finding_member *member;
        struct finding_part *part;
        struct kit kit;

        answer_begin(&kit, &asked);
        part = kit_part(&kit, "a.zip", 200, 300);
        part->is_encrypted = row->part_encrypted;
        part->sniffed = span_of(row->sniffed);
        member = kit_member(&kit, 1, row->member);
        member->is_encrypted = row->member_encrypted;
        member->sniffed = span_of(row->member_sniffed);
        if (row->defect != DEFECT_COUNT)
            kit_mark(&kit, (enum finding_defect)row->defect);
        answer_check(&kit, &asked, false);
        kit_clear(&kit);
    }
}

// Whose results are believed is a setting.
static void
test_authserv_id(void)
{
    static const struct answer_row row = {
        "auth=dkim=pass",
        "header=Authentication-Results:mx.example.com;_dkim=fail "
        "header=Authentication-Results:gate.example.com;_dkim=pass",
        "yes"};
    struct kit kit;

    answer_begin(&kit, &row);
    result_set_text(&kit.policy.authserv_id, SPAN_LITERAL("gate.example.com"));
    answer_check(&kit, &row, false);
    kit_clear(&kit);
}

static const struct unit_test tests[] = {
    {"rows",        test_rows       },
    {"special",     test_special    },
    {"authserv_id", test_authserv_id},
};

UNIT_MAIN("policy/evidence_findings", tests)
