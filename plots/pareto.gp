# Time against dollars of every configuration; the front no other configuration beats in both.
# series, name[1..series]: groups of configurations; deadline_s, budget_usd: limits, or NaN;
# memory_varies: 1 when labels tell the memory too.
# The corner left of and below the front is empty, so that is where its names stand.
# Columns: series, front (0 or 1), label (0 or 1), workers, memory_mib, time_s, cost_usd.

stats data using "time_s" name "X" nooutput
stats data using "cost_usd" name "Y" nooutput
log_x = X_min > 0 && X_max > 10*X_min
log_y = Y_min > 0 && Y_max > 10*Y_min
unit_s = time_unit(log_x ? sqrt(X_min*X_max) : X_max)
set xlabel "time (" . time_word(unit_s) . ")"
set ylabel "cost (USD per training run)"
x_low = log_x ? X_min/(X_max/X_min)**0.25 : X_min - 0.25*(X_max - X_min) - 1e-9*X_max - (X_max == X_min ? 0.1*X_max : 0)
x_top = log_x ? X_max*1.2 : X_max + 0.04*(X_max - X_min) + (X_max == X_min ? 0.1*X_max : 0)
y_low = log_y ? Y_min/(Y_max/Y_min)**0.12 : Y_min - 0.10*(Y_max - Y_min) - (Y_max == Y_min ? 0.1*Y_max + 1e-9 : 0)
y_top = log_y ? Y_max*1.6 : Y_max + 0.10*(Y_max - Y_min) + (Y_max == Y_min ? 0.1*Y_max + 1e-9 : 0)
if (log_x) { eval log_axis("x") }
if (log_y) { eval log_axis("y") }
set xrange [x_low/unit_s : x_top/unit_s]
set yrange [y_low : y_top]
show_deadline = deadline_s == deadline_s && deadline_s > x_low && deadline_s < x_top
show_budget = budget_usd == budget_usd && budget_usd > y_low && budget_usd < y_top
if (show_deadline) {
    set arrow from deadline_s/unit_s, graph 0 to deadline_s/unit_s, graph 1 nohead ls 20
    set label "deadline" at deadline_s/unit_s, graph 0.97 left offset 0.5,0 font letter(12) textcolor rgb "#444444"
}
if (show_budget) {
    set arrow from graph 0, first budget_usd to graph 1, first budget_usd nohead ls 20
    set label "budget" at graph 0.995, first budget_usd right offset 0,0.6 font letter(12) textcolor rgb "#444444"
}
shown(i) = int(column("series")) == i ? column("time_s")/unit_s : NaN
tag(w, m) = memory_varies ? sprintf("%g × %g MiB", w, m) : sprintf("%g worker%s", w, w == 1 ? "" : "s")

plot data using (column("front") == 1 ? column("time_s")/unit_s : NaN):"cost_usd" with steps lc rgb "#333333" lw 1.5 dt (8,4) title "Pareto front", \
     for [i=1:series] data using (shown(i)):"cost_usd" with points ls i ps (X_records > 1500 ? 0.3 : 0.9)*point title name[i], \
     data using (column("label") == 1 ? column("time_s")/unit_s : NaN):"cost_usd":(tag(column("workers"), column("memory_mib"))) \
         with labels right offset -0.7,-0.5 font letter(12) textcolor rgb "#222222" notitle
unset output
