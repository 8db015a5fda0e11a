# Time against workers.
# series, name[1..series]: the lines; bands: 1 when intervals were simulated; published: 1 when points
# of a paper are there; what: "time" or a part of it; baseline_s: time of the baseline, or NaN.
# Columns: series, published (0 or 1), workers, time_s, time_s_lo, time_s_hi.

stats data using "workers" name "X" nooutput
stats data using "time_s" name "Y" nooutput
unit_s = time_unit(Y_min > 0 && Y_max > 30*Y_min ? sqrt(Y_min*Y_max) : Y_max)
base = baseline_s/unit_s
show_base = baseline_s == baseline_s && baseline_s < 3*Y_max
set xlabel "workers (functions or machines)"
set ylabel what . " (" . time_word(unit_s) . ")"
if (X_max > 64 && X_max > 16*X_min) {
    set logscale x 2
    set xrange [X_min/1.2 : X_max*1.2]
} else {
    set xrange [0 : X_max*1.04]
}
if (Y_min > 0 && Y_max > 30*Y_min) {
    eval log_axis("y")
} else {
    set yrange [0 : *<(1.1*(show_base && baseline_s > Y_max ? base : Y_max/unit_s))]
}
mine(i, p) = int(column("series")) == i && int(column("published")) == p

plot for [i=1:series*bands] data using (mine(i,0) ? column("workers") : NaN):(column("time_s_lo")/unit_s):(column("time_s_hi")/unit_s) \
         with filledcurves fs transparent solid 0.18 noborder lc rgb colour(i) notitle, \
     for [i=1:show_base] [X_min : X_max] base with lines ls 20 title "the scenario's baseline", \
     for [i=1:series] data using (mine(i,0) ? column("workers") : NaN):(column("time_s")/unit_s) with linespoints ls i title name[i], \
     for [i=1:series*published] data using (mine(i,1) ? column("workers") : NaN):(column("time_s")/unit_s) \
         with points pt open_point(i) ps 1.8*point lw 2 lc rgb colour(i) notitle, \
     for [i=1:published] NaN with points pt open_point(i) ps 1.8*point lw 2 lc rgb "#333333" title published ? "published (open signs)" : ""
unset output
