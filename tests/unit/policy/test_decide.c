// SPDX-License-Identifier: BSD-2-Clause
#include "policy/decide.h"

#include "tests/unit/policy/story.h"

struct decide_row {
    const char *title, *rules, *story, *expected;
};

#define VIRUS "virus: virus=*; action=quarantine; reason=malware\n"
#define SPAM "spam: score=15..; action=reject\n"
#define TAG "tag: score=6..15; add_header=X-Spam: yes; subject_prefix=[SPAM] \n"

static const struct decide_row rows[] = {
  // Reading.
    {"no rules",                                 "",                                                                                 "",                                                                       "0 accept"                                                       },
    {"first verdict ends",                       "a: action=hold\nb: action=discard",                                                "",                                                                       "0 hold a"                                                       },
    {"edits add up",                             "a: add_header=X-A: 1\nb: add_header=X-B: 1\nc: action=accept",                     "",
     "0 accept c {add X-A, add X-B}"                                                                                                                                                                                                                                            },
    {"all conditions",                           "a: from=*@example.org; to=nobody@*; action=hold",                                  "",                                                                       "0 accept"                                                       },
    {"any value",                                "a: to=nobody@*|a@*; action=hold",                                                  "",                                                                       "0 hold a"                                                       },
    {"negated",                                  "a: to=!a@*; action=hold",                                                          "to=b@example.com",                                                       "0 accept; 1 hold a"                                             },
    {"redirect",                                 "a: action=redirect; redirect=x@example.net; add_header=X-A: 1",                    "",
     "0 redirect a >x@example.net {add X-A}"                                                                                                                                                                                                                                    },
    {"edits only where delivered",               "a: add_header=X-A: 1; action=quarantine",                                          "edit=X-F",
     "0 quarantine a"                                                                                                                                                                                                                                                           },
    {"a held one keeps them",                    "a: add_header=X-A: 1; action=hold",                                                "edit=X-F",
     "0 hold a {add X-F, add X-A}"                                                                                                                                                                                                                                              },
    {"filter's edits",                           "a: add_header=X-A: 1",                                                             "edit=X-F",                                                               "0 accept {add X-F, add X-A}"                                    },
 // Recipients.
    {"groups by first recipient",                "a: to=b@*; action=hold\nb: to=c@*; action=discard",
     "to=c@example.com to=b@example.com to=a@example.com to=c@example.com",                                                                                                                                    "0,3 accept; 1,4 discard b; 2 hold a"                            },
    {"ten under four",
     "a: to=1*@*; action=hold\nb: to=2*@*; action=reject\nc: to=3*@*; add_header=X-A: 1",                                            "to=1a@b to=2a@b to=3a@b to=1b@b to=2b@b to=3b@b to=1c@b to=2c@b to=x@b",
     "0,9 accept; 1,4,7 hold a; 2,5,8 reject b; 3,6 accept {add X-A}"                                                                                                                                                                                                           },
    {"same outcome by other ways",               "a: to=a@*; remove_header=X-No*\nb: to=x@*; add_header=X-A: 1",
     "to=b@example.com to=x@example.com",                                                                                                                                                                      "0-1 accept; 2 accept {add X-A}"                                 },
 // Dry runs.
    {"dry run",                                  "a: action=quarantine; dry_run=yes\nb: to=a@*; add_header=X-A: 1; dry_run=yes",
     "to=b@example.com",                                                                                                                                                                                       "0-1 accept; note 0-1 a: quarantine; note 0 b: add_header X-A: 1"},
    {"dry run and silence",                      "a: virus=*; action=quarantine; dry_run=yes\nb: action=accept",
     "clamav!failed",                                                                                                                                                                                          "0 accept b"                                                     },
 // Copies.
    {"copy",                                     "a: copy_to=x@example.net\nb: copy_to=X@example.net|y@example.net; action=discard", "",
     "0 discard b; copy x@example.net a; copy y@example.net b"                                                                                                                                                                                                                  },
    {"no copy of what is deferred",              "a: copy_to=x@example.net\nb: action=defer",                                        "",                                                                       "0 defer b"                                                      },
 // Viruses and scores.
    {"virus",                                    VIRUS,                                                                              "virus@clamav=Eicar",                                                     "0 quarantine virus (malware)"                                   },
    {"virus by name",                            "a: virus=Eicar*; action=discard",                                                  "virus@clamav=Eicar-Test",                                                "0 discard a"                                                    },
    {"virus of another name",                    "a: virus=Eicar*; action=discard",                                                  "virus@clamav=Other",
     "0 quarantine filter:clamav (Other)"                                                                                                                                                                                                                                       },
    {"virus without rule",                       "",                                                                                 "virus@second=Eicar",                                                     "0 quarantine filter:second (Eicar)"                             },
    {"an accepting rule wins",                   "a: from=*; action=accept",                                                         "virus@clamav=Eicar",                                                     "0 accept a"                                                     },
    {"virus outweighs silence",                  "",                                                                                 "virus@clamav=Eicar second!failed",
     "0 quarantine filter:clamav (Eicar)"                                                                                                                                                                                                                                       },
    {"tag",                                      TAG SPAM,                                                                           "score=7",                                                                "0 accept {add X-Spam, prefix}"                                  },
    {"below",                                    TAG SPAM,                                                                           "score=5.9",                                                              "0 accept"                                                       },
    {"above",                                    TAG SPAM "x: score=..100; action=hold",                                             "score=15 bounce_max_score=20",
     "0 reject spam"                                                                                                                                                                                                                                                            },
    {"no score",                                 "a: score=..100; action=hold",                                                      "",                                                                       "0 accept"                                                       },
 // on_error at the rule.
    {"defer",                                    VIRUS,                                                                              "clamav!failed",                                                          "0 defer filter:clamav (clamav: why)"                            },
    {"quarantine",                               VIRUS,                                                                              "clamav!failed on_error@clamav=quarantine",
     "0 quarantine filter:clamav (clamav: why)"                                                                                                                                                                                                                                 },
    {"accept",                                   VIRUS "b: action=hold",                                                             "clamav!failed on_error@clamav=accept",                                   "0 hold b"                                                       },
    {"rules",                                    VIRUS "b: failed=clamav; action=hold; reason=no scan",
     "clamav!failed on_error@clamav=rules",                                                                                                                                                                    "0 hold b (no scan)"                                             },
    {"rules, and none asks",                     VIRUS,                                                                              "clamav!failed on_error@clamav=rules",                                    "0 accept"                                                       },
    {"an earlier final rule wins",               "a: action=discard\n" VIRUS,                                                        "clamav!failed",                                                          "0 discard a"                                                    },
    {"another condition is false",               "a: virus=*; from=<>; action=hold\nb: action=discard",
     "clamav!failed",                                                                                                                                                                                          "0 discard b"                                                    },
    {"another filter found it",                  VIRUS,                                                                              "clamav!failed virus@second=Eicar",
     "0 quarantine virus (malware)"                                                                                                                                                                                                                                             },
    {"negated is unknown, too",                  "a: virus=!*; action=accept",                                                       "clamav!failed",
     "0 defer filter:clamav (clamav: why)"                                                                                                                                                                                                                                      },
    {"negated and false all the same",           "a: virus=!*; action=accept\nb: action=hold",
     "clamav!failed on_error@clamav=accept",                                                                                                                                                                   "0 hold b"                                                       },
    {"an edit's rule stops as well",             TAG,                                                                                "rspamd!failed",                                                          "0 defer filter:rspamd (rspamd: why)"                            },
    {"others' silence is no matter",             TAG "b: action=accept",                                                             "clamav!failed score=1",                                                  "0 accept b"                                                     },
    {"defer before quarantine",                  VIRUS,                                                                              "clamav!failed on_error@clamav=quarantine second!failed",
     "0 defer filter:second (second: why)"                                                                                                                                                                                                                                      },
    {"edits before it are dropped",              "a: add_header=X-A: 1\n" VIRUS,                                                     "clamav!failed",
     "0 defer filter:clamav (clamav: why)"                                                                                                                                                                                                                                      },
    {"nobody was asked",                         VIRUS,                                                                              "unasked",                                                                "0 defer filter:clamav (clamav: not asked)"                      },
    {"pending is failed",                        "a: failed=clamav; action=hold",                                                    "clamav!pending",                                                         "0 hold a"                                                       },
    {"failed, and not",                          "a: failed=*; action=hold",                                                         "",                                                                       "0 accept"                                                       },
 // on_error after the last rule.
    {"after the last rule",                      "",                                                                                 "rspamd!failed",                                                          "0 defer filter:rspamd (rspamd: why)"                            },
    {"after the last rule, accept",              "",                                                                                 "rspamd!failed on_error@rspamd=accept",                                   "0 accept"                                                       },
    {"unless accepted",                          "a: action=accept",                                                                 "rspamd!failed clamav!unscannable",                                       "0 accept a"                                                     },
    {"quarantine after all",                     "",                                                                                 "rspamd!failed on_error@rspamd=quarantine",
     "0 quarantine filter:rspamd (rspamd: why)"                                                                                                                                                                                                                                 },
 // Unscannable.
    {"unscannable",                              "",                                                                                 "clamav!unscannable",                                                     "0 quarantine filter:clamav (clamav: why)"                       },
    {"unscannable, hold",                        "",                                                                                 "clamav!unscannable on_unscannable@clamav=hold",
     "0 hold filter:clamav (clamav: why)"                                                                                                                                                                                                                                       },
    {"unscannable, accept",                      "",                                                                                 "clamav!unscannable on_unscannable@clamav=accept",                        "0 accept"                                                       },
    {"unscannable is never clean",               "a: virus=!*; action=accept",                                                       "clamav!unscannable",
     "0 quarantine filter:clamav (clamav: why)"                                                                                                                                                                                                                                 },
    {"by rule",                                  "a: unscannable=clamav; action=discard",                                            "clamav!unscannable",                                                     "0 discard a"                                                    },
    {"by any",                                   "a: unscannable=*; action=discard",                                                 "rspamd!unscannable",                                                     "0 discard a"                                                    },
    {"failed is not unscannable",                "a: unscannable=*; action=discard",                                                 "clamav!failed",
     "0 defer filter:clamav (clamav: why)"                                                                                                                                                                                                                                      },
    {"skipped is no silence",                    VIRUS,                                                                              "clamav!skipped second!skipped",                                          "0 accept"                                                       },
 // The look.
    {"a limit",                                  "",                                                                                 "limit=6",                                                                "0 quarantine filter:dissect (dissect)"                          },
    {"a limit, hold",                            "",                                                                                 "limit=6 on_unscannable@dissect=hold",                                    "0 hold filter:dissect (dissect)"                                },
    {"a limit, accept",                          "a: attachment=*.exe; action=hold",                                                 "limit=6 on_unscannable@dissect=accept",
     "0 accept"                                                                                                                                                                                                                                                                 },
    {"a limit, and found all the same",          "a: attachment=*.exe; action=discard",                                              "limit=6 part=a.exe",
     "0 discard a"                                                                                                                                                                                                                                                              },
    {"a limit, and not found",                   "a: attachment=!*.exe; action=accept",                                              "limit=6 part=a.txt",
     "0 quarantine filter:dissect (dissect)"                                                                                                                                                                                                                                    },
    {"a limit by rule",                          "a: unscannable=dissect; action=discard",                                           "limit=6",                                                                "0 discard a"                                                    },
    {"a limit is any, too",                      "a: unscannable=*; action=discard",                                                 "limit=6",                                                                "0 discard a"                                                    },
    {"a match limit",                            "a: subject=/x/; action=discard",                                                   "limit=12",
     "0 quarantine filter:dissect (dissect)"                                                                                                                                                                                                                                    },
    {"a hit in spite of it",                     "a: subject=/x/; action=discard",                                                   "limit=12 hit=0",                                                         "0 discard a"                                                    },
    {"the look failed",                          "a: action=accept",                                                                 "look_failed nolook to=b@example.com",
     "0-1 defer filter:dissect (nobody could look into it)"                                                                                                                                                                                                                     },
    {"nobody looks",                             "a: from=<>; action=hold",                                                          "nolook",                                                                 "0 accept"                                                       },
 // Wishes.
    {"reject",                                   "",                                                                                 "wish=reject score=9",                                                    "0 reject filter:rspamd (rspamd: reject)"                        },
    {"reject, a high score",                     "",                                                                                 "wish=reject score=15",
     "0 quarantine filter:rspamd (rspamd: reject) !"                                                                                                                                                                                                                            },
    {"defer by wish",                            "",                                                                                 "wish=defer",                                                             "0 defer filter:rspamd (rspamd: defer)"                          },
    {"discard by wish",                          "",                                                                                 "wish=discard",                                                           "0 discard filter:rspamd (rspamd: discard)"                      },
    {"quarantine by wish",                       "",                                                                                 "wish=quarantine",
     "0 quarantine filter:rspamd (rspamd: quarantine)"                                                                                                                                                                                                                          },
    {"the most severe",                          "",                                                                                 "wish=quarantine wish2=reject",
     "0 reject filter:second (second: reject)"                                                                                                                                                                                                                                  },
    {"an accepting wish is none",                "",                                                                                 "wish=accept",                                                            "0 accept"                                                       },
    {"a rule outweighs it",                      "a: action=accept",                                                                 "wish=reject",                                                            "0 accept a"                                                     },
    {"an edit does not",                         "a: add_header=X-A: 1",                                                             "wish=reject",
     "0 reject filter:rspamd (rspamd: reject)"                                                                                                                                                                                                                                  },
    {"a virus outweighs it",                     "",                                                                                 "wish=discard virus@clamav=Eicar",
     "0 quarantine filter:clamav (Eicar)"                                                                                                                                                                                                                                       },
    {"asked for by a rule",                      "a: result=rspamd:reject; action=quarantine; reason=spam",
     "wish=reject",                                                                                                                                                                                            "0 quarantine a (spam)"                                          },
 // The bar.
    {"reject by rule",                           "a: action=reject; reason=no",                                                      "",                                                                       "0 reject a (no)"                                                },
    {"null sender",                              "a: action=reject; reason=no",                                                      "from=<>",                                                                "0 quarantine a (no) !"                                          },
    {"list",                                     "a: action=reject",                                                                 "header=List-Id:<x>",                                                     "0 quarantine a !"                                               },
    {"list post",                                "a: action=reject",                                                                 "header=List-Post:<x>",                                                   "0 quarantine a !"                                               },
    {"bulk",                                     "a: action=reject",                                                                 "header=Precedence:_bulk",                                                "0 quarantine a !"                                               },
    {"list's sender",                            "a: action=reject",                                                                 "from=list-bounces@example.org",                                          "0 quarantine a !"                                               },
    {"junk is no list",                          "a: action=reject",                                                                 "header=Precedence:_junk",                                                "0 reject a"                                                     },
    {"virus and reject",                         "a: virus=*; action=reject",                                                        "virus@clamav=Eicar",                                                     "0 quarantine a !"                                               },
    {"score at the bar",                         "a: action=reject",                                                                 "score=10",                                                               "0 reject a"                                                     },
    {"score above it",                           "a: action=reject",                                                                 "score=10.1",                                                             "0 quarantine a !"                                               },
 // Our own headers.
    {"incoming copies go",                       "a: score=6..; add_header=X-Spam: yes",                                             "header=X-SPAM:no",
     "0 accept {remove X-Spam}"                                                                                                                                                                                                                                                 },
    {"then ours come",                           "a: add_header=X-Spam: yes",                                                        "header=X-Spam:no header=x-postern-a:b",
     "0 accept {remove X-Spam, remove x-postern-a, add X-Spam}"                                                                                                                                                                                                                 },
    {"unseen they go, too",                      "a: score=6..; add_header=X-Spam: yes",                                             "nolook",
     "0 accept {remove X-Spam}"                                                                                                                                                                                                                                                 },
    {"each once",                                "",                                                                                 "header=X-Postern-A:b header=X-Postern-a:b",                              "0 accept {remove X-Postern-A}"                                  },
 // A released message.
    {"past its rule",                            VIRUS "b: attachment=*.exe; action=quarantine",
     "virus@clamav=Eicar "
     "skip=virus",                                                                                                                                                                                             "0 accept"                                                       },
    {"other rules stand",                        VIRUS "b: attachment=*.exe; action=quarantine",
     "virus@clamav=Eicar part=a.exe skip=virus",                                                                                                                                                               "0 quarantine b"                                                 },
    {"scanners stand where the rule asked none", "b: attachment=*.exe; action=quarantine",
     "virus@clamav=Eicar part=a.exe skip=b",                                                                                                                                                                   "0 quarantine filter:clamav (Eicar)"                             },
    {"past a built-in",                          "",                                                                                 "virus@clamav=Eicar skip=filter:clamav",                                  "0 accept"                                                       },
    {"past one that could not scan",             VIRUS,                                                                              "clamav!unscannable skip=filter:clamav",                                  "0 accept"                                                       },
    {"past a limit",                             "a: attachment=*.exe; action=hold",                                                 "limit=6 skip=filter:dissect",                                            "0 accept"                                                       },
    {"past a wish",                              "",                                                                                 "wish=reject skip=filter:rspamd",                                         "0 accept"                                                       },
    {"not past who is down",                     VIRUS,                                                                              "virus@clamav=Eicar skip=virus second!failed",
     "0 defer filter:second (second: why)"                                                                                                                                                                                                                                      },
 // Strip.
    {"strip",                                    "a: strip=*.exe",                                                                   "part=a.exe",                                                             "0 accept {replace 200+100}"                                     },
    {"nothing to strip",                         "a: strip=*.exe",                                                                   "part=a.txt",                                                             "0 accept"                                                       },
    {"a limit and strip",                        "a: strip=*.exe\nb: action=accept",                                                 "part=a.exe limit=6",
     "0 quarantine filter:dissect (dissect)"                                                                                                                                                                                                                                    },
};

static void
check_row(const struct decide_row *row)
{
    struct decision decision;
    struct buf text;
    struct kit kit;

    kit_init(&kit, row->rules);
    story_tell(&kit, row->story);
    buf_init(&text, 1 << 16);
    decide(&kit.question, &decision);
    story_decision(&decision, &text);
    UNIT_CHECK_ROW(row->title, strcmp(buf_text(&text), row->expected) == 0);
    if (strcmp(buf_text(&text), row->expected) != 0)
        fprintf(stderr, "  is       %s\n  expected %s\n", buf_text(&text), row->expected);
    decision_clear(&decision);
    buf_clear(&text);
    kit_clear(&kit);
}

static void
test_rows(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++)
        check_row(&rows[i]);
}

static void
test_nameless_virus(void)
{
    struct decision decision;
    struct kit kit;

    kit_init(&kit, "");
    kit.results[KIT_CLAMAV].kind = RESULT_HIT;
    kit.results[KIT_CLAMAV].is_virus = true;
    decide(&kit.question, &decision);
    CU_ASSERT(decision.groups[0].verdict == VERDICT_QUARANTINE && decision.groups[0].is_virus);
    CU_ASSERT_STRING_EQUAL(decision.groups[0].reason, "a virus");
    decision_clear(&decision);
    kit_clear(&kit);
}

struct settled_row {
    const char *title, *rules, *story;
    bool is_settled;
};

static const struct settled_row settled_rows[] = {
    {"all answered",                 VIRUS,                                                     "",                                                 true },
    {"nobody asked",                 VIRUS,                                                     "unasked",                                          false},
    {"nobody asked, none needed",    "a: action=discard",                                       "unasked",                                          true },
    {"the look failed",              VIRUS,                                                     "unasked look_failed",                              true },
    {"a virus is enough",            VIRUS,                                                     "rspamd!pending second!pending virus@clamav=Eicar", true },
    {"clean is not",                 VIRUS,                                                     "rspamd!pending",                                   false},
    {"an earlier rule waits",        SPAM VIRUS,                                                "rspamd!pending virus@clamav=Eicar",                false},
    {"an earlier rule cannot hold",  "a: score=15..; from=<>; action=discard\n" VIRUS,
     "rspamd!pending virus@clamav=Eicar",                                                                                                           true },
    {"accepted, but edits may come", "a: action=accept",                                        "rspamd!pending",                                   false},
    {"accepted, and none can",       "a: action=accept",                                        "clamav!pending",                                   true },
    {"held, but edits may come",     "a: action=hold",                                          "rspamd!pending",                                   false},
    {"discarded",                    "a: action=discard",                                       "rspamd!pending clamav!pending",                    true },
    {"reject waits for the bar",     "a: action=reject",                                        "rspamd!pending",                                   false},
    {"reject waits for a virus",     "a: action=reject",                                        "clamav!pending",                                   false},
    {"reject that is barred",        "a: action=reject",                                        "from=<> rspamd!pending",                           true },
    {"a score that can only rise",   "a: score=5..; action=discard",                            "rspamd!pending",                                   false},
    {"a dry run waits",              "a: virus=*; action=hold; dry_run=yes\nb: action=discard", "clamav!pending",
     false                                                                                                                                               },
    {"deferred",                     VIRUS,                                                     "clamav!failed rspamd!pending",                     true },
    {"one recipient of two",         "a: to=a@*; action=discard",                               "rspamd!pending to=b@example.com",                  false},
    {"failed waits",                 "a: failed=rspamd; action=discard",                        "rspamd!pending",                                   false},
    {"a wish waits",                 "",                                                        "wish=reject clamav!pending",                       false},
};

static void
test_settled(void)
{
    for (size_t i = 0; i < UNIT_COUNT(settled_rows); i++) {
        const struct settled_row *row = &settled_rows[i];
        struct kit kit;

        kit_init(&kit, row->rules);
        story_tell(&kit, row->story);
        UNIT_CHECK_ROW(row->title, decide_is_settled(&kit.question) == row->is_settled);
        kit_clear(&kit);
    }
}

// What a filter may yet answer.
static const char *const endings[KIT_FILTERS][8] = {
    [KIT_CLAMAV] = {"",                     "clamav!failed",             "clamav!unscannable", "clamav!skipped",
                    "virus@clamav=Eicar",                                                                                                                                               NULL},
    [KIT_RSPAMD] = {"",                      "rspamd!failed",                                                "rspamd!unscannable",                                "score=3 edit=X-F", "score=9",
                    "score=20 wish=reject", "symbol=GTUBE wish=discard", NULL},
    [KIT_SECOND] = {"", "second!failed", "second!skipped",                 "virus@second=Other",                                                     NULL                                                                                                    },
};

static const char *const settings[] = {
    "", "on_error@clamav=accept on_error@rspamd=quarantine",
    "on_error@rspamd=rules on_unscannable@clamav=accept from=<>"};

static const char *const rule_sets[] = {
    "",
    VIRUS SPAM,
    TAG VIRUS "a: symbol=GTUBE; action=discard",
    "a: failed=*; action=hold\n" SPAM VIRUS,
    "a: to=b@*; action=accept\nb: virus=!*; score=..5; action=accept\nc: action=discard",
    "a: unscannable=clamav; action=discard\nb: result=rspamd:reject; action=reject",
    "a: result=*:hit; copy_to=x@example.net\nb: virus=Eicar; action=discard\nc: action=reject",
};

static void
tell_decision(const char *rules, const char *setting, const char *const *told, struct buf *text)
{
    struct decision decision;
    struct kit kit;

    kit_init(&kit, rules);
    kit_rcpt(&kit, "b@example.com");
    story_tell(&kit, setting);
    for (size_t i = 0; i < KIT_FILTERS; i++)
        story_tell(&kit, told[i]);
    decide(&kit.question, &decision);
    story_decision(&decision, text);
    decision_clear(&decision);
    kit_clear(&kit);
}

static bool
is_settled(const char *rules, const char *setting, const char *const *told)
{
    struct kit kit;
    bool settled;

    kit_init(&kit, rules);
    kit_rcpt(&kit, "b@example.com");
    story_tell(&kit, setting);
    for (size_t i = 0; i < KIT_FILTERS; i++)
        story_tell(&kit, told[i]);
    settled = decide_is_settled(&kit.question);
    kit_clear(&kit);
    return settled;
}

// Two of the three have answered; the third may say what it likes.
static void
check_pending(const char *rules, const char *setting, const char *told[KIT_FILTERS], size_t open)
{
    static const char *const pending[] = {"clamav!pending", "rspamd!pending", "second!pending"};
    struct buf first, other;

    told[open] = pending[open];
    if (!is_settled(rules, setting, told))
        return;
    buf_init(&first, 1 << 16);
    buf_init(&other, 1 << 16);
    tell_decision(rules, setting, told, &first);
    for (size_t i = 0; endings[open][i] != NULL; i++) {
        told[open] = endings[open][i];
        buf_reset(&other);
        tell_decision(rules, setting, told, &other);
        UNIT_CHECK_ROW(rules, strcmp(buf_text(&first), buf_text(&other)) == 0);
        if (strcmp(buf_text(&first), buf_text(&other)) != 0)
            fprintf(stderr, "  %s + %s %s %s\n  %s\n  %s\n", setting, told[0], told[1], told[2],
                    buf_text(&first), buf_text(&other));
    }
    buf_clear(&first);
    buf_clear(&other);
}

// Where it is settled, every answer that is still open gives the same decision.
static void
test_settled_holds(void)
{
    for (size_t r = 0; r < UNIT_COUNT(rule_sets); r++) {
        for (size_t n = 0; n < 5 * 7 * 4 * UNIT_COUNT(settings); n++) {
            const char *told[KIT_FILTERS] = {endings[KIT_CLAMAV][n % 5],
                                             endings[KIT_RSPAMD][n / 5 % 7],
                                             endings[KIT_SECOND][n / 35 % 4]};
            const char *const setting = settings[n / 140];

            for (size_t open = 0; open < KIT_FILTERS; open++) {
                const char *now[KIT_FILTERS] = {told[0], told[1], told[2]};

                check_pending(rule_sets[r], setting, now, open);
            }
        }
    }
}

// A rule for each of three digits in each of five places: 4 ^ 5 outcomes.
static void
read_digit_rules(struct kit *kit)
{
    for (int place = 0; place < 5; place++) {
        for (int digit = 1; digit <= 3; digit++) {
            char glob[] = "?????@*";
            char *rule;

            glob[place] = (char)('0' + digit);
            rule =
                mem_printf("r%d%d: to=%s; add_header=X-%d%d: 1", place, digit, glob, place, digit);
            kit_read(kit, rule);
            mem_free(&rule);
        }
    }
}

// As many different outcomes as a journal can take; the rest waits for the next round.
static void
test_too_many_outcomes(void)
{
    struct decision decision;
    struct kit kit;
    char path[32];
    size_t all = 0;

    kit_begin(&kit);
    read_digit_rules(&kit);
    CU_ASSERT_FATAL(kit_compile(&kit, &(size_t){0}, NULL) == 0);
    for (int i = 0; i < 50000; i++) {
        (void)snprintf(path, sizeof(path), "%05d@example.com", i);
        kit_rcpt(&kit, path);
    }
    decide(&kit.question, &decision);
    CU_ASSERT_FATAL(decision.group_count == 1001);
    CU_ASSERT(decision.groups[1000].verdict == VERDICT_DEFER);
    for (size_t i = 0; i < decision.group_count; i++)
        all += ranges_size(&decision.groups[i].rcpts);
    CU_ASSERT(all == 50000);
    decision_clear(&decision);
    kit_clear(&kit);
}

static const struct unit_test tests[] = {
    {"rows",              test_rows             },
    {"nameless virus",    test_nameless_virus   },
    {"settled",           test_settled          },
    {"settled holds",     test_settled_holds    },
    {"too many outcomes", test_too_many_outcomes},
};

UNIT_MAIN("policy/decide", tests)
