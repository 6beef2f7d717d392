/* Owns the chart of the entries: what is better the longer it is, as bars that grow towards the limit of the machine,
 * and below, what is better the shorter it is, as bars that must end before the line. */
#include "bench.h"

#include <math.h>
#include <stdio.h>

#include "plot.h"

enum {
    WIDTH = 960,
    MARGIN = 28,
    NAMES = 168,
    FIGURES = 230,
    ROW = 34,
    BAR = 18,
    HEAD = 84,
    PANEL = 66,
    GAP = 14,
    FOOT = 18
};

static const char paper[] = "#fcfcfa", ink[] = "#1f2328", faded[] = "#66707b", grid[] = "#e3e5e8", track[] = "#eef0f2";
static const char good[] = "#2b6cb0", missed[] = "#d9730d", neutral[] = "#8796a8", target_color[] = "#1f2328";

/* Where things of one panel stand. */
typedef struct {
    plot_t *plot;
    double left, scale; /* x of 0, pixels of 1.0 */
    double span;        /* the value at the right end */
} panel_t;

static double x_of(const panel_t *panel, double value)
{
    return panel->left + panel->scale * (value < panel->span ? value : panel->span);
}

/* What the bar shows: a rate as part of its limit, a cost as part of what it may be. */
static double bar_of(const bench_entry_t *entry)
{
    if (entry->is_cost) return entry->value / entry->target;
    return entry->limit > 0.0 ? bench_fraction(entry) : 1.0;
}

/* The tick: the target of a rate, the bare minimum of a cost. */
static double tick_of(const bench_entry_t *entry)
{
    return entry->is_cost ? entry->limit / entry->target : entry->target;
}

static const char *color_of(const bench_entry_t *entry)
{
    if (entry->target <= 0.0) return neutral;
    if (entry->is_cost) return entry->value < entry->target ? good : missed;
    return bench_fraction(entry) >= entry->target ? good : missed;
}

static void format_figure(const bench_entry_t *entry, char text[96])
{
    const int digits = fmax(entry->value, entry->limit) < 10.0 ? 2 : 1;

    if (entry->is_cost)
        (void)snprintf(text, 96, "%.*f of %g %s", digits, entry->value, entry->target, entry->unit);
    else if (entry->limit > 0.0)
        (void)snprintf(text, 96, "%.*f of %.*f %s", digits, entry->value, digits, entry->limit, entry->unit);
    else
        (void)snprintf(text, 96, "%.*f %s", digits, entry->value, entry->unit);
}

/* What stands under a name: what the entry is compared with. */
static const char *caption_of(const bench_entry_t *entry)
{
    if (entry->limit_name != NULL) return entry->limit_name;
    return entry->is_cost ? "what is allowed" : "plain float sum";
}

static void draw_row(const panel_t *panel, const bench_entry_t *entry, double y)
{
    const plot_font_t name = {13, PLOT_START, true, ink}, caption = {10.5, PLOT_START, false, faded};
    const plot_font_t figure = {12.5, PLOT_START, false, ink}, percent = {12.5, PLOT_END, true, ink};
    const plot_font_t reason = {11.5, PLOT_START, false, faded};
    const double top = y + (ROW - BAR) / 2.0, right = panel->left + panel->scale * panel->span;
    char text[96];

    plot_text(panel->plot, MARGIN, y + 15, &name, entry->name);
    plot_text(panel->plot, MARGIN, y + 28, &caption, caption_of(entry));
    plot_rect(panel->plot, panel->left, top, right - panel->left, BAR, track);
    if (entry->is_skipped) {
        (void)snprintf(text, sizeof text, "skipped: %.80s", entry->note);
        plot_text(panel->plot, panel->left + 8, top + 13.5, &reason, text);
        return;
    }
    plot_rect(panel->plot, panel->left, top, x_of(panel, bar_of(entry)) - panel->left, BAR, color_of(entry));
    if (tick_of(entry) > 0.0)
        plot_line(panel->plot, x_of(panel, tick_of(entry)), top - 4, x_of(panel, tick_of(entry)), top + BAR + 4, 2.5,
                  target_color);
    (void)snprintf(text, sizeof text, "%.0f %%", 100.0 * bar_of(entry));
    plot_text(panel->plot, right + 54, top + 13.5, &percent, text);
    format_figure(entry, text);
    plot_text(panel->plot, right + 66, top + 13.5, &figure, text);
}

/* Lines at quarters, and the strong one at 1. */
static void draw_axis(const panel_t *panel, double top, double bottom)
{
    const plot_font_t label = {10.5, PLOT_MIDDLE, false, faded};
    char text[16];

    for (int quarter = 0; quarter <= 4; quarter++) {
        const double x = x_of(panel, 0.25 * quarter);
        plot_line(panel->plot, x, top, x, bottom, quarter == 4 ? 1.5 : 1.0, quarter == 4 ? faded : grid);
        (void)snprintf(text, sizeof text, "%d %%", 25 * quarter);
        plot_text(panel->plot, x, top - 5, &label, text);
    }
}

static int count_rows(const bench_t *bench, bool costs)
{
    int rows = 0;

    for (int i = 0; i < bench->count; i++) rows += bench->entry[i].is_cost == costs;
    return rows;
}

/* One panel with its heading. \return where the next one starts */
static double draw_panel(const panel_t *panel, const bench_t *bench, bool costs, double y)
{
    const plot_font_t heading = {14, PLOT_START, true, ink}, remark = {11.5, PLOT_START, false, faded};
    const double top = y + PANEL, bottom = top + ROW * count_rows(bench, costs);

    if (bottom <= top) return y;
    plot_text(panel->plot, MARGIN, y + 22, &heading, costs ? "Costs: shorter is better" : "Rates: longer is better");
    plot_text(panel->plot, MARGIN, y + 39, &remark,
              costs
                  ? "100 % is what is allowed; the tick is what stands under the name, measured or set in the same run"
                  : "100 % is what stands under the name, measured in the same run; the tick is the target");
    double row = top;
    for (int i = 0; i < bench->count; i++) {
        if (bench->entry[i].is_cost != costs) continue;
        draw_row(panel, &bench->entry[i], row);
        row += ROW;
    }
    draw_axis(panel, top, bottom);
    return bottom;
}

/* The longest bar must fit, within reason, and so must every target. */
static double span_of(const bench_t *bench)
{
    double longest = 1.1, target = 1.0;

    for (int i = 0; i < bench->count; i++) {
        const bench_entry_t *entry = &bench->entry[i];
        if (entry->is_skipped) continue;
        longest = fmax(longest, bar_of(entry));
        if (!entry->is_cost) target = fmax(target, 1.05 * entry->target);
    }
    return fmax(fmin(longest, 1.5), target);
}

static void draw_legend(plot_t *plot, double x, double y)
{
    static const struct {
        const char *color, *text;
        double width;
    } item[] = {{good, "target met", 108}, {missed, "target missed", 124}, {neutral, "no target", 0}};
    const plot_font_t font = {11.5, PLOT_START, false, ink};

    for (size_t i = 0; i < sizeof item / sizeof item[0]; x += item[i++].width) {
        plot_rect(plot, x, y - 10, 12, 12, item[i].color);
        plot_text(plot, x + 18, y, &font, item[i].text);
    }
}

furrow_status_t bench_draw(const bench_t *bench, const char *path, furrow_error_t *err)
{
    const plot_font_t title = {20, PLOT_START, true, ink}, subtitle = {13, PLOT_START, false, faded};
    const double span = span_of(bench), left = MARGIN + NAMES;
    const int panels = (count_rows(bench, false) > 0) + (count_rows(bench, true) > 0);
    const int height = HEAD + panels * PANEL + GAP + ROW * bench->count + FOOT;
    const double lost = 1.0 - bench_share_of_cores(bench);
    char machine[160], remark[240];
    plot_t plot;

    bench_machine(bench, machine, sizeof machine);
    (void)snprintf(remark, sizeof remark, "%s; other programs took %.0f %% of the cores' time meanwhile", machine,
                   100.0 * lost);
    plot_start(&plot, WIDTH, height, paper, "Furrow: figures against their limits");
    plot_text(&plot, MARGIN, 40, &title, "What Furrow gets from this machine");
    plot_text(&plot, MARGIN, 62, &subtitle, lost < BENCH_LOST_CORES ? machine : remark);
    draw_legend(&plot, WIDTH - MARGIN - 322, 40);
    const panel_t panel = {&plot, left, (WIDTH - MARGIN - FIGURES - left) / span, span};
    const double next = draw_panel(&panel, bench, false, HEAD - 10);
    (void)draw_panel(&panel, bench, true, next + GAP);
    return plot_finish(&plot, path, err);
}
