# Time or dollars over workers and memory, the smallest marked.
# value: "time" or "cost"; x_ticks, y_ticks: the axes' labels; x_cells, y_cells: their lengths;
# best_x, best_y: place of the smallest; best: what it is, in words.
# Columns: x, y (cells from 0), workers, memory_mib, value (s or USD).

stats data using "value" name "V" nooutput
unit = value eq "time" ? time_unit(V_max > 5*V_min && V_min > 0 ? sqrt(V_min*V_max) : V_max) : 1.0
set xlabel "workers (functions or machines)"
set ylabel "memory of each (MiB)"
set cblabel value eq "time" ? "time (" . time_word(unit) . ")" : "cost (USD per training run)"
# Cividis (Nunez et al. 2018): even in lightness, the same to people with and without colour vision.
set cblabel offset (format eq "svg" ? 0.6 : 1.2),0
set palette defined (0 "#FDEA45", 1 "#C8B866", 2 "#958F78", 3 "#666970", 4 "#3B496C", 5 "#00224E")
if (V_min > 0 && V_max > 5*V_min) { eval log_axis_at("cb", V_max > 50*V_min ? "1 2 5" : "1 1.5 2 3 4 5 7") }
if (V_max == V_min) {
    set cbrange [V_min/unit*0.9 : V_max/unit*1.1 + 1e-12]
} else {
    set cbrange [V_min/unit : V_max/unit]
}
set rmargin at screen 0.83
unset grid
set border 3
set xrange [-0.5 : x_cells - 0.5]
set yrange [-0.5 : y_cells - 0.5]
eval "set xtics scale 0 " . x_ticks
eval "set ytics scale 0 " . y_ticks
set lmargin at screen 0.125
set key samplen 1
set style fill solid 1.0 noborder

plot data using "x":"y":(column("x") - 0.5):(column("x") + 0.5):(column("y") - 0.5):(column("y") + 0.5):(column("value")/unit) \
         with boxxyerror lc palette notitle, \
     "+" using (best_x):(best_y) every ::0::0 with points pt 6 ps 2.4*point lw 4.5 lc rgb "#FFFFFF" notitle, \
     "+" using (best_x):(best_y) every ::0::0 with points pt 6 ps 2.4*point lw 2 lc rgb "#000000" title best
unset output
