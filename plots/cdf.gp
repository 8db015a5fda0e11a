# Distribution: share of runs (or of configurations) that need at most so long, or cost at most so much.
# series, name[1..series]: the lines; quantity: "time" or "cost"; of: what the share is of;
# limit: the deadline or budget, or NaN; points: 1 when only some percentiles are known.
# Columns: series, value (s or USD), share (0 to 1).

stats data using "value" name "X" nooutput
log_x = X_min > 0 && X_max > 30*X_min
unit = quantity eq "time" ? time_unit(log_x ? sqrt(X_min*X_max) : X_max) : 1.0
set xlabel quantity eq "time" ? "time (" . time_word(unit) . ")" : "cost (USD per training run)"
set ylabel "share of " . of . " (%)"
if (log_x) { eval log_axis("x") }
set yrange [0 : 102]
if (limit == limit && limit > X_min && limit < X_max) {
    set arrow from limit/unit, graph 0 to limit/unit, graph 1 nohead ls 20
    set label quantity eq "time" ? "deadline" : "budget" at limit/unit, graph 0.05 left offset 0.5,0 font letter(12) textcolor rgb "#444444"
}
mine(i) = int(column("series")) == i ? column("value")/unit : NaN
if (points) {
    plot for [i=1:series] data using (mine(i)):(100*column("share")) with linespoints ls i title name[i]
} else {
    plot for [i=1:series] data using (mine(i)):(100*column("share")) with steps ls i title name[i]
}
unset output
