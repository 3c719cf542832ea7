// SPDX-License-Identifier: BSD-2-Clause
#include <string.h>

#include "tool/ask.h"
#include "tool/print.h"
#include "tool/tool.h"

enum { WIDTH = 10 };

static void
print_head(FILE *out, const char *text)
{
    (void)fprintf(out, "%-*s ", WIDTH, text);
}

static void
print_value(FILE *out, const struct json *fact, const char *key)
{
    const char *value = json_get_text(fact, key);

    if (value == NULL || value[0] == '\0')
        return;
    (void)fputs("  ", out);
    print_text(out, value);
}

static const char *
state_of(const struct json *fact)
{
    return json_get_bool(fact, "up", false) ? "up" : "down";
}

// "  label N", where it is known.
static void
print_count(FILE *out, const struct json *fact, const char *key)
{
    int64_t count = json_get_number(fact, key, -1);

    if (count >= 0)
        (void)fprintf(out, "  %s %lld", key, (long long)count);
}

// In brackets, where there is any.
static void
print_trouble(FILE *out, const struct json *fact)
{
    const char *trouble = json_get_text(fact, "trouble");

    if (trouble != NULL && trouble[0] != '\0') {
        (void)fputs("  (", out);
        print_text(out, trouble);
        (void)fputc(')', out);
    }
    (void)fputc('\n', out);
}

static void
print_load(FILE *out, const struct json *fact)
{
    (void)fprintf(out, "  cpu %.1fs  memory %lldM", json_get_real(fact, "cpu_ms", 0) / 1000,
                  (long long)(json_get_number(fact, "memory", 0) >> 20));
}

static void
print_daemon(FILE *out, const struct json *fact)
{
    print_head(out, "daemon");
    (void)fputs("postern", out);
    print_value(out, fact, "version");
    print_value(out, fact, "config");
    (void)fputc('\n', out);
}

static void
print_process(FILE *out, const struct json *fact)
{
    const char *kind = json_get_text(fact, "kind");

    print_head(out, kind == NULL ? "process" : kind);
    (void)fprintf(out, "pid %lld  since ", (long long)json_get_number(fact, "pid", 0));
    print_time(out, json_get_number(fact, "since", 0) * 1000);
    print_load(out, fact);
    print_count(out, fact, "messages");
    print_count(out, fact, "connections");
    (void)fputs(json_get_bool(fact, "draining", false) ? "  draining\n" : "\n", out);
}

static void
print_dissectors(FILE *out, const struct json *fact)
{
    print_head(out, "dissectors");
    (void)fprintf(out, "%lld", (long long)json_get_number(fact, "count", 0));
    print_load(out, fact);
    (void)fputc('\n', out);
}

static void
print_queue(FILE *out, const struct json *fact)
{
    static const char *const places[] = {"waiting", "hold", "quarantine", "corrupt", "connections"};

    print_head(out, "queue");
    (void)fprintf(out, "active %lld", (long long)json_get_number(fact, "active", 0));
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        print_count(out, fact, places[i]);
    (void)fputc('\n', out);
}

static void
print_ledger(FILE *out, const struct json *fact)
{
    print_head(out, "ledger");
    (void)fprintf(out, "%s  behind %.1fs", state_of(fact),
                  json_get_real(fact, "behind_ms", 0) / 1000);
    print_count(out, fact, "rows");
    print_count(out, fact, "dropped");
    print_value(out, fact, "path");
    print_trouble(out, fact);
}

static void
print_redis(FILE *out, const struct json *fact)
{
    print_head(out, "redis");
    (void)fputs(state_of(fact), out);
    print_count(out, fact, "behind");
    print_count(out, fact, "failures");
    print_value(out, fact, "server");
    print_trouble(out, fact);
}

static void
print_server(FILE *out, const struct json *fact, const char *what, const char *owner)
{
    print_head(out, what);
    (void)fprintf(out, "%-4s", state_of(fact));
    print_value(out, fact, owner);
    print_value(out, fact, "server");
    print_count(out, fact, "connections");
    (void)fputc('\n', out);
}

static void
print_upstream(FILE *out, const struct json *fact)
{
    print_server(out, fact, "upstream", "filter");
}

static void
print_next_hop(FILE *out, const struct json *fact)
{
    print_server(out, fact, "next_hop", "next_hop");
}

static const struct {
    const char *what;
    void (*print)(FILE *out, const struct json *fact);
} kinds[] = {
    {"daemon",     print_daemon    },
    {"process",    print_process   },
    {"dissectors", print_dissectors},
    {"queue",      print_queue     },
    {"ledger",     print_ledger    },
    {"redis",      print_redis     },
    {"upstream",   print_upstream  },
    {"next_hop",   print_next_hop  },
};

// A kind that we do not know is a newer daemon's.
static void
print_fact(FILE *out, const struct json *fact)
{
    const char *what = json_get_text(fact, "what");

    for (size_t i = 0; what != NULL && i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i].what, what) == 0)
            kinds[i].print(out, fact);
    }
}

static enum tool_exit
take_response(struct tool *tool, const struct response *response)
{
    if (response->items[0].status != RESPONSE_DONE) {
        print_error(tool, "%s", response->items[0].text);
        return TOOL_NOTHING;
    }
    for (size_t i = 0; i < response->fact_count; i++) {
        struct json *fact = json_parse(span_of(response->facts[i]), NULL);

        if (fact != NULL && tool->as_json) {
            print_json(tool, &fact);
            continue;
        }
        if (fact != NULL)
            print_fact(tool->out, fact);
        json_free(&fact);
    }
    return response->fact_count > 0 ? TOOL_DONE : TOOL_NOTHING;
}

enum tool_exit
daemon_status_run(struct tool *tool, int argc, char **argv)
{
    struct request request = {.command = REQUEST_STATUS};
    struct response response;
    enum ask_result answer;
    enum tool_exit result;
    struct err err;

    if (argc == 2 && strcmp(argv[1], "--json") == 0)
        tool->as_json = true;
    else if (argc > 1)
        return print_usage(tool, "status");
    answer = ask_daemon(&tool->settings->control.socket, &request, ASK_TIMEOUT_MS, &response, &err);
    if (answer != ASK_ANSWERED) {
        print_error(tool, "%s", err.text);
        return answer == ASK_FORBIDDEN ? TOOL_FORBIDDEN : TOOL_UNREACHABLE;
    }
    result = take_response(tool, &response);
    response_clear(&response);
    return result;
}
