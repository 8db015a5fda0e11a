# Speed-up against workers.
# series, name[1..series]: the lines; bands: 1 when intervals were simulated; published: 1 when points
# of a paper are there; baseline: what the speed-up is over; ideal_workers: where the ideal line is 1.
# Columns: series, published (0 or 1), workers, speedup, speedup_lo, speedup_hi.

stats data using "workers" name "X" nooutput
stats data using "speedup" name "Y" nooutput
highest = Y_max
if (bands) { stats data using "speedup_hi" name "H" nooutput; highest = H_max > highest ? H_max : highest }
set xlabel "workers (functions or machines)"
set ylabel "speed-up over " . baseline . " (ratio)"
wide = X_max > 64 && X_max > 16*X_min
if (wide) {
    set logscale xy 2
    set xrange [X_min/1.2 : X_max*1.2]
} else {
    set xrange [0 : X_max*1.04]
    set yrange [0 : highest*1.25]
}
mine(i, p) = int(column("series")) == i && int(column("published")) == p
ideal_end = highest*1.25*ideal_workers < X_max && !wide ? highest*1.25*ideal_workers : X_max
set samples 2

plot for [i=1:series*bands] data using (mine(i,0) ? column("workers") : NaN):"speedup_lo":"speedup_hi" \
         with filledcurves fs transparent solid 0.18 noborder lc rgb colour(i) notitle, \
     [wide ? X_min : 0 : ideal_end] x/ideal_workers with lines ls 20 title "ideal: linear", \
     for [i=1:series] data using (mine(i,0) ? column("workers") : NaN):"speedup" with linespoints ls i title name[i], \
     for [i=1:series*published] data using (mine(i,1) ? column("workers") : NaN):"speedup" \
         with points pt open_point(i) ps 1.8*point lw 2 lc rgb colour(i) notitle, \
     for [i=1:published] NaN with points pt open_point(i) ps 1.8*point lw 2 lc rgb "#333333" title published ? "published (open signs)" : ""
unset output
