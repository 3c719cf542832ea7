// SPDX-License-Identifier: BSD-2-Clause
#include "tool/test_print.h"

#include <math.h>

#include "tool/print.h"

enum { NAMES_SHOWN = 20, MEMBERS_SHOWN = 50, LINKS_SHOWN = 20, EDIT_MAX = 1 << 18 };

static const char *
kind_of(const struct finding_part *part)
{
    static const char *const readings[] = {[READING_FIRST] = "",
                                           [READING_OTHER] = " (another reading)",
                                           [READING_PROLOGUE] = " (in front of the parts)",
                                           [READING_EPILOGUE] = " (behind the parts)",
                                           [READING_INLINE] = " (inside of a text)"};

    return readings[part->reading];
}

static void
print_names(FILE *out, const struct finding_part *part)
{
    for (size_t i = 0; i < part->name_count && i < NAMES_SHOWN; i++) {
        (void)fputs(i == 0 ? "  name=\"" : ", \"", out);
        print_escaped(out, part->names[i]);
        (void)fputc('"', out);
    }
}

static void
print_part(FILE *out, const struct findings *findings, size_t index)
{
    const struct finding_part *part = &findings->parts[index];
    char digest[SHA256_TEXT_LEN + 1];

    (void)fprintf(out, "  %*s%zu ", (int)part->depth * 2, "", index);
    print_escaped(out, part->type.len > 0 ? part->type : span_of("-"));
    if (part->sniffed.len > 0) {
        (void)fputs(" is ", out);
        print_escaped(out, part->sniffed);
    }
    print_names(out, part);
    if (part->kind == FINDING_LEAF) {
        sha256_format(part->sha256, digest);
        (void)fprintf(out, "  %llu bytes  sha256=%s", (unsigned long long)part->decoded_len,
                      digest);
    }
    (void)fprintf(out, "%s%s\n", part->is_encrypted ? "  encrypted" : "", kind_of(part));
}

static void
print_members(FILE *out, const struct findings *findings)
{
    for (size_t i = 0; i < findings->member_count && i < MEMBERS_SHOWN; i++) {
        const struct finding_member *member = &findings->members[i];

        (void)fprintf(out, "  in part %u: %*s\"", member->part, (int)member->level * 2 - 2, "");
        print_escaped(out, member->name);
        (void)fprintf(out, "\"  %llu bytes  ", (unsigned long long)member->size);
        print_escaped(out, member->sniffed);
        (void)fputs(member->is_encrypted ? "  encrypted\n" : "\n", out);
    }
    if (findings->member_count > MEMBERS_SHOWN)
        (void)fprintf(out, "  and %zu members more\n", findings->member_count - MEMBERS_SHOWN);
}

static void
print_findings(FILE *out, const struct findings *findings, struct span content)
{
    struct sha256 *sha256 = sha256_new();
    uint8_t value[SHA256_LEN];
    char digest[SHA256_TEXT_LEN + 1];

    sha256_add(sha256, content.data, content.len);
    sha256_get(sha256, value);
    sha256_free(&sha256);
    sha256_format(value, digest);
    (void)fprintf(out, "message  %llu bytes  sha256=%s\n", (unsigned long long)findings->len,
                  digest);
    if (findings->limit != LIMIT_NONE) {
        (void)fprintf(out, "  unscannable: %s: ", finding_limit_name(findings->limit));
        print_escaped(out, findings->limit_text);
        (void)fputc('\n', out);
    }
    for (size_t i = 0; i < findings->part_count; i++)
        print_part(out, findings, i);
    print_members(out, findings);
    for (size_t i = 0; i < findings->mark_count; i++)
        (void)fprintf(out, "  defect %s in part %u, %u times\n",
                      finding_defect_name(findings->marks[i].defect), findings->marks[i].part,
                      findings->marks[i].count);
    for (size_t i = 0; i < findings->link_count && i < LINKS_SHOWN; i++) {
        (void)fputs("  link ", out);
        print_escaped(out, findings->links[i]);
        (void)fputc('\n', out);
    }
}

static const char *
name_of(const struct tool *tool, size_t index)
{
    return tool->settings->filters[index].name;
}

static void
print_result(FILE *out, const char *name, const struct result *result)
{
    (void)fprintf(out, "filter %s: %s", name, result_kind_name(result->kind));
    if (result->has_score)
        (void)fprintf(out, "  score=%.2f of %.2f", result->score, result->required_score);
    if (result->action != NULL) {
        (void)fputs("  action=", out);
        print_text(out, result->action);
    }
    for (size_t i = 0; i < result->name_count && i < NAMES_SHOWN; i++) {
        (void)fputs(i == 0 ? "  " : ", ", out);
        print_text(out, result->names[i]);
    }
    if (result->reason != NULL) {
        (void)fputs("  ", out);
        print_text(out, result->reason);
    }
    (void)fprintf(out, "  %.1f ms\n", (double)result->took_us / 1000);
}

static void
print_rcpts(FILE *out, const struct smtp_envelope *envelope, const struct ranges *set)
{
    for (size_t i = 0; i < envelope->rcpt_count; i++) {
        if (!ranges_has(set, i))
            continue;
        (void)fputs(" <", out);
        print_text(out, envelope->rcpts[i].path);
        (void)fputc('>', out);
    }
}

static void
print_edits(FILE *out, const struct edit_list *edits)
{
    for (size_t i = 0; i < edits->count; i++) {
        const struct edit *edit = &edits->items[i];

        (void)fprintf(out, "  %s ", edit_op_name(edit->op));
        print_text(out, edit->name);
        if (edit->value != NULL) {
            (void)fputs(": ", out);
            print_text(out, edit->value);
        }
        (void)fputc('\n', out);
    }
}

static void
print_group(FILE *out, const struct smtp_envelope *envelope, const struct decide_group *group)
{
    (void)fprintf(out, "verdict %s", verdict_name(group->verdict));
    (void)fputs("  rule=", out);
    print_text(out, group->rule != NULL ? group->rule : "-");
    if (group->reason != NULL) {
        (void)fputs("  reason=", out);
        print_text(out, group->reason);
    }
    if (group->to != NULL) {
        (void)fputs("  to=", out);
        print_text(out, group->to);
    }
    (void)fputs("  for", out);
    print_rcpts(out, envelope, &group->rcpts);
    (void)fputc('\n', out);
    print_edits(out, &group->edits);
}

static void
print_decision(FILE *out, const struct smtp_envelope *envelope, const struct decision *decision)
{
    for (size_t i = 0; i < decision->group_count; i++)
        print_group(out, envelope, &decision->groups[i]);
    for (size_t i = 0; i < decision->copy_count; i++) {
        (void)fputs("copy to ", out);
        print_text(out, decision->copies[i].address);
        (void)fputc('\n', out);
    }
    for (size_t i = 0; i < decision->note_count; i++) {
        (void)fputs("dry run of ", out);
        print_text(out, decision->notes[i].rule);
        (void)fputs(": ", out);
        print_text(out, decision->notes[i].text);
        (void)fputs(" for", out);
        print_rcpts(out, envelope, &decision->notes[i].rcpts);
        (void)fputc('\n', out);
    }
}

// --- JSON ---

static struct json *
json_of_part(const struct finding_part *part)
{
    struct json *object = json_object_new(), *names = json_array_new();
    char digest[SHA256_TEXT_LEN + 1];

    json_set_number(object, "parent", part->parent);
    json_set_text(object, "type", part->type);
    json_set_text(object, "sniffed", part->sniffed);
    for (size_t i = 0; i < part->name_count; i++)
        json_add_text(names, part->names[i]);
    json_set_take(object, "names", &names);
    json_set_number(object, "size", (int64_t)part->decoded_len);
    if (part->kind == FINDING_LEAF) {
        sha256_format(part->sha256, digest);
        json_set_text(object, "sha256", span_of(digest));
    }
    json_set_bool(object, "encrypted", part->is_encrypted);
    json_set_bool(object, "first_reading", part->reading == READING_FIRST);
    return object;
}

static struct json *
json_of_findings(const struct findings *findings)
{
    struct json *object = json_object_new(), *parts = json_array_new();
    struct json *members = json_array_new(), *defects = json_array_new();

    if (findings->limit != LIMIT_NONE)
        json_set_text(object, "unscannable", findings->limit_text);
    for (size_t i = 0; i < findings->part_count; i++) {
        struct json *part = json_of_part(&findings->parts[i]);

        json_add_take(parts, &part);
    }
    for (size_t i = 0; i < findings->member_count; i++)
        json_add_text(members, findings->members[i].name);
    for (size_t i = 0; i < findings->mark_count; i++)
        json_add_text(defects, span_of(finding_defect_name(findings->marks[i].defect)));
    json_set_take(object, "parts", &parts);
    json_set_take(object, "members", &members);
    json_set_take(object, "defects", &defects);
    return object;
}

static struct json *
json_of_result(const char *name, const struct result *result)
{
    struct json *object = json_object_new(), *names = json_array_new();
    char score[32];

    json_set_text(object, "filter", span_of(name));
    json_set_text(object, "result", span_of(result_kind_name(result->kind)));
    if (result->has_score) {
        (void)snprintf(score, sizeof score, "%.3f", result->score);
        json_set_text(object, "score", span_of(score));
    }
    if (result->action != NULL)
        json_set_text(object, "action", span_of(result->action));
    for (size_t i = 0; i < result->name_count; i++)
        json_add_text(names, span_of(result->names[i]));
    json_set_take(object, "names", &names);
    if (result->reason != NULL)
        json_set_text(object, "reason", span_of(result->reason));
    return object;
}

static void
add_verdicts(struct json *list, const struct smtp_envelope *envelope,
             const struct decide_group *group)
{
    for (size_t i = 0; i < envelope->rcpt_count; i++) {
        struct json *object;

        if (!ranges_has(&group->rcpts, i))
            continue;
        object = json_object_new();
        json_set_text(object, "to", span_of(envelope->rcpts[i].path));
        json_set_text(object, "verdict", span_of(verdict_name(group->verdict)));
        if (group->rule != NULL)
            json_set_text(object, "rule", span_of(group->rule));
        if (group->reason != NULL)
            json_set_text(object, "reason", span_of(group->reason));
        json_set_number(object, "edits", (int64_t)group->edits.count);
        json_add_take(list, &object);
    }
}

static void
print_as_json(struct tool *tool, const struct smtp_envelope *envelope,
              const struct trial_outcome *outcome)
{
    struct json *object = json_object_new(), *results = json_array_new();
    struct json *verdicts = json_array_new();

    if (outcome->findings != NULL) {
        struct json *findings = json_of_findings(outcome->findings);

        json_set_take(object, "findings", &findings);
    }
    for (size_t i = 0; i < outcome->result_count; i++) {
        struct json *result = json_of_result(name_of(tool, i), &outcome->results[i]);

        json_add_take(results, &result);
    }
    for (size_t i = 0; i < outcome->decision.group_count; i++)
        add_verdicts(verdicts, envelope, &outcome->decision.groups[i]);
    json_set_take(object, "results", &results);
    json_set_take(object, "verdicts", &verdicts);
    print_json(tool, &object);
}

void
test_print_outcome(struct tool *tool, const struct smtp_envelope *envelope,
                   const struct trial_outcome *outcome, struct span content)
{
    if (tool->as_json) {
        print_as_json(tool, envelope, outcome);
        return;
    }
    if (outcome->findings != NULL)
        print_findings(tool->out, outcome->findings, content);
    for (size_t i = 0; i < outcome->result_count; i++)
        print_result(tool->out, name_of(tool, i), &outcome->results[i]);
    print_decision(tool->out, envelope, &outcome->decision);
}
