# Who does what when. lanes, lane[1..lanes]: who; categories, category[1..categories]: what,
# tint[1..categories]: in which colour; phases have those of the breakdown.
# Columns: lane, category, from_s, to_s.

stats data using "to_s" name "X" nooutput
stats data using "from_s" name "S" nooutput
unit_s = time_unit(X_max)
colour_of(k) = word("#1A1A5E #45A795 #0072B2 #F5B342 #882255 #C9C9C9 #D55E00 #7A7A7A", tint[k])
place(l) = lanes - l
half = 0.36
set xlabel "time since the start (" . time_word(unit_s) . ")"
set xrange [S_min/unit_s : X_max/unit_s]
set yrange [-0.7 : lanes - 0.3]
set border 1
set grid noytics
set lmargin at screen 0.20
unset ytics
step = lanes > 20 ? int((lanes + 19)/20) : 1
lane_font = lanes > 12 ? tiny_font : key_font
set ytics scale 0 font lane_font
set ytics (lane[1] place(1))
do for [l=1:lanes:step] { set ytics add (lane[l] place(l)) }
set style fill solid 1.0 border lc rgb "#FFFFFF"
thin = lanes > 20 ? 0.3 : 0.6
mine(k) = int(column("category")) == k

plot for [k=1:categories] data using (mine(k) ? column("from_s")/unit_s : NaN):(place(column("lane"))):(column("from_s")/unit_s):(column("to_s")/unit_s):(place(column("lane")) - half):(place(column("lane")) + half) \
     with boxxyerror lc rgb colour_of(k) lw thin title category[k]
unset output
