// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/tool/family.h"

static struct json *
object_of(struct family_kit *kit, size_t root)
{
    struct json *object;

    family_rewind(kit);
    way_json(&kit->tool, &kit->ways, root);
    fflush(kit->tool.out);
    CU_ASSERT_FATAL(kit->out_len > 1 && strchr(kit->out, '\n') == kit->out + kit->out_len - 1);
    object = json_parse(span_from(kit->out, kit->out_len - 1), NULL);
    CU_ASSERT_FATAL(object != NULL);
    return object;
}

static bool
is_text(const struct json *object, const char *key, const char *expected)
{
    const char *text = json_get_text(object, key);
    bool is = expected == NULL ? text == NULL : text != NULL && strcmp(text, expected) == 0;

    if (!is)
        fprintf(stderr, "%s is %s\n", key, text == NULL ? "not there" : text);
    return is;
}

static void
all_fields_are_there(void)
{
    struct family_kit kit;
    const struct json *item;
    struct json *object;

    family_make(&kit);
    ways_order(&kit.ways);
    object = object_of(&kit, 0);
    CU_ASSERT(is_text(object, "postern_id", FAMILY_ROOT) && is_text(object, "parent", NULL));
    CU_ASSERT(is_text(object, "status", "reinjected") && is_text(object, "class", "virus"));
    CU_ASSERT(is_text(object, "place", "done") && is_text(object, "file", NULL));
    CU_ASSERT(json_get_bool(object, "in_ledger", false));
    CU_ASSERT(json_get_bool(object, "in_spool", true)); // nobody looked: not said
    CU_ASSERT(json_get_number(object, "arrived_ms", 0) == FAMILY_AT);
    CU_ASSERT(json_get_number(object, "told_ms", 0) == FAMILY_AT + 40);
    CU_ASSERT(json_get_number(object, "total_ms", 0) == 300);
    CU_ASSERT(is_text(object, "protocol", "lmtp") && is_text(object, "handoff", "spool"));
    CU_ASSERT(is_text(object, "listener", "in") && is_text(object, "next_hop", "reinject"));
    CU_ASSERT(is_text(object, "postfix_id", "4IN1"));
    CU_ASSERT(is_text(object, "client_name", "mail.example.org"));
    CU_ASSERT(is_text(object, "client", "192.0.2.7") && is_text(object, "helo", "mx.example.org"));
    CU_ASSERT(is_text(object, "from", "s@example.org") && is_text(object, "subject", "Hi"));
    CU_ASSERT(is_text(object, "message_id", "<1@example.org>"));
    CU_ASSERT(json_get_number(object, "size", 0) == 5123 && is_text(object, "score", "1.500"));
    item = json_get_object(object, "stage_us");
    CU_ASSERT(json_get_number(item, "receive", 0) == 1200);
    CU_ASSERT(json_get_number(item, "send", 0) == 4100);
    CU_ASSERT(json_get_number(item, "dissect", -1) == -1);
    item = json_get_item(object, "groups", 1);
    CU_ASSERT(is_text(item, "verdict", "quarantine") && is_text(item, "rule", "virus"));
    CU_ASSERT(is_text(item, "reason", "Eicar"));
    CU_ASSERT(json_get_number(json_get_item(object, "groups", 0), "edits", 0) == 1);
    item = json_get_item(object, "results", 0);
    CU_ASSERT(is_text(item, "filter", "clamav") && is_text(item, "result", "hit"));
    CU_ASSERT(json_get_bool(item, "virus", false) && is_text(item, "names", "Eicar"));
    CU_ASSERT(json_get_number(item, "took_us", 0) == 3100 && is_text(item, "server", "unix:/c"));
    item = json_get_item(object, "results", 1);
    CU_ASSERT(is_text(item, "score", "1.500") && is_text(item, "required_score", "15.000"));
    CU_ASSERT(is_text(item, "wish", "accept") && is_text(item, "action", "no action"));
    json_free(&object);
    family_clear(&kit);
}

static void
recipients_tell_both_hops(void)
{
    struct family_kit kit;
    const struct json *item, *final;
    struct json *object;

    family_make(&kit);
    ways_order(&kit.ways);
    kit.rcpts[4].status = RCPT_DEFERRED;
    kit.rcpts[4].until_ms = FAMILY_AT + 5;
    kit.rcpts[4].tries = 3;
    object = object_of(&kit, 0);
    CU_ASSERT(json_get_count(object, "recipients") == 5);
    item = json_get_item(object, "recipients", 2);
    CU_ASSERT(is_text(item, "to", "c@example.com") && is_text(item, "status", "bounced"));
    CU_ASSERT(is_text(item, "redirected_to", "desk@example.com") && is_text(item, "state", "sent"));
    CU_ASSERT(is_text(item, "reinjected_id", "4OUT1") && is_text(item, "relay", "127.0.0.1:10025"));
    CU_ASSERT(is_text(item, "reply", "2.0.0 Ok: queued") &&
              json_get_number(item, "code", 0) == 250);
    CU_ASSERT(json_get_number(item, "at_ms", 0) == FAMILY_AT + 20);
    CU_ASSERT(json_get_number(item, "group", -1) == 0);
    final = json_get_item(item, "finals", 0);
    CU_ASSERT(is_text(final, "status", "bounced") && is_text(final, "to", "c@alias.example"));
    CU_ASSERT(is_text(final, "dsn", "5.1.1") && is_text(final, "reply", "550 no"));
    CU_ASSERT(json_get_number(final, "at_ms", 0) == FAMILY_AT + 300);
    item = json_get_item(object, "recipients", 3);
    CU_ASSERT(is_text(item, "state", "moved") && is_text(item, "child", FAMILY_CHILD));
    CU_ASSERT(is_text(item, "status", "reinjected") && json_get_count(item, "finals") == 0);
    item = json_get_item(object, "recipients", 4);
    CU_ASSERT(json_get_number(item, "next_try_ms", 0) == FAMILY_AT + 5);
    CU_ASSERT(json_get_number(item, "tries", 0) == 3);
    json_free(&object);
    family_clear(&kit);
}

static void
children_are_inside(void)
{
    struct family_kit kit;
    const struct json *child, *released;
    struct json *object;

    family_make(&kit);
    ways_order(&kit.ways);
    kit.ways.has_looked = true;
    kit.ways.items[1].in_spool = true;
    kit.ways.items[1].place = (struct find_place){
        .place = PLACE_QUARANTINE, .folder = "2023-11-14", .name = FAMILY_CHILD};
    object = object_of(&kit, 0);
    CU_ASSERT(json_get_count(object, "children") == 2);
    CU_ASSERT(!json_get_bool(object, "in_spool", true));
    child = json_get_item(object, "children", 0);
    CU_ASSERT(is_text(child, "postern_id", FAMILY_CHILD) && is_text(child, "parent", FAMILY_ROOT));
    CU_ASSERT(is_text(child, "kind", "quarantine") && is_text(child, "place_reason", "Eicar"));
    CU_ASSERT(is_text(child, "file", "quarantine/2023-11-14/" FAMILY_CHILD));
    CU_ASSERT(is_text(child, "class", NULL)); // nobody looked at it for itself
    CU_ASSERT(is_text(child, "score", NULL) && json_get_bool(child, "in_spool", false));
    released = json_get_item(child, "children", 0);
    CU_ASSERT(is_text(released, "postern_id", FAMILY_RELEASED));
    CU_ASSERT(json_get_count(released, "children") == 0);
    CU_ASSERT(is_text(json_get_item(object, "children", 1), "from", ""));
    json_free(&object);
    family_clear(&kit);
}

static const struct unit_test tests[] = {
    {"all fields are there",      all_fields_are_there     },
    {"recipients tell both hops", recipients_tell_both_hops},
    {"children are inside",       children_are_inside      },
};

UNIT_MAIN("tool/way_json", tests)
