# Systems side by side, each at its fastest: time by phase, dollars by kind.
# series, name[1..series]: the bars, first at the top.
# Columns: series, workers, memory_mib, time_s, startup_s, load_s, compute_s, exchange_s, wait_s,
# checkpoint_s, cost_usd, cost_compute_usd, cost_requests_usd, cost_storage_usd, cost_services_usd.

stats data using "time_s" name "T" nooutput
stats data using "cost_usd" name "C" nooutput
unit_s = time_unit(T_max)
times = "startup_s load_s compute_s exchange_s wait_s checkpoint_s"
dollars = "cost_compute_usd cost_requests_usd cost_storage_usd cost_services_usd"
array part[10]
part[1] = "start-up"; part[2] = "loading"; part[3] = "computing"
part[4] = "exchange"; part[5] = "waiting"; part[6] = "checkpoints"
part[7] = "compute"; part[8] = "requests"; part[9] = "storage"; part[10] = "services"
tint(k) = word("#1A1A5E #45A795 #0072B2 #F5B342 #882255 #E6E6E6 #0072B2 #F5B342 #45A795 #882255", k)
end_s(k) = (sum [j=1:k] column(word(times, j)))/unit_s
end_usd(k) = sum [j=1:k] column(word(dollars, j))
place(s) = series - s
# Grey lines and letters of one size, whatever the number of bars.
half = 0.33

set yrange [-0.6 : series - 0.4]
set grid noytics
set border 1
set style fill solid 1.0 border lc rgb "#FFFFFF"
set key vertical maxrows 3
top = 0.87
low = foot + 0.26
set multiplot
set tmargin at screen top
set bmargin at screen low
set lmargin at screen 0.27
set rmargin at screen 0.62
set key at screen 0.25, screen foot + 0.14 left top
set ytics scale 0 font key_font
set ytics (name[1] place(1))
do for [i=1:series] { set ytics add (name[i] place(i)) }
set xtics auto
set xlabel "time (" . time_word(unit_s) . ")"
set xrange [0 : T_max/unit_s*1.18]
plot for [k=6:1:-1] data using (end_s(k)/2):(place(column("series"))):(0):(end_s(k)):(place(column("series")) - half):(place(column("series")) + half) \
         with boxxyerror lc rgb tint(k) title part[k], \
     data using (end_s(6)):(place(column("series"))):(sprintf("%.3g", end_s(6))) with labels left offset 0.6,0 font letter(12) textcolor rgb "#222222" notitle
unset for [i=1001:1004] label i
set lmargin at screen 0.66
set rmargin at screen 0.975
unset ytics
set key maxrows 2 at screen 0.655, screen foot + 0.14 left top
set xlabel "cost (USD per training run)"
set xrange [0 : C_max > 0 ? C_max*1.22 : 1]
plot for [k=4:1:-1] data using (end_usd(k)/2):(place(column("series"))):(0):(end_usd(k)):(place(column("series")) - half):(place(column("series")) + half) \
         with boxxyerror lc rgb tint(k + 6) title part[k + 6], \
     data using (end_usd(4)):(place(column("series"))):(sprintf("%.3g", end_usd(4))) with labels left offset 0.6,0 font letter(12) textcolor rgb "#222222" notitle
unset multiplot
unset output
