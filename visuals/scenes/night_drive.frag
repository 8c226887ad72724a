// Night drive: behind the wheel in the rain, in a city that moves on the beat.
//
// On the beat: a lane mark and a street lamp pass, the wipers arrive at either side. On the downbeat: under a traffic
// light that has stepped through the bar. Kick: brake lights of the car in front, and the springs. Snare: a shot at
// the roadside, mirrored in the asphalt. Hat: glints in the drops. Bass: neon. Spectrum: lit windows. Energy: fog
// lifts, the lens widens, colours wake. Mood: from sodium and teal to magenta and cyan.
//
// No ray marching: a street is two walls and a floor, so each is met by one division; what is below the horizon sees
// the same street mirrored. Lengths are metres; the road runs ROAD metres a beat, so all that stands along it is
// counted in beats and repeats every 2^n of them, which carries it over the wrap of the beat count.

const float TAU = 6.2831853;
const float ROAD = 9.0;     // metres a beat
const float EYE = 1.25;     // height of the eye
const float WALL = 10.5;    // from the middle of the road to the houses

float hash(vec2 p) {
    vec3 q = fract(p.xyx * vec3(0.1031, 0.1030, 0.0973));
    q += dot(q, q.yzx + 33.33);
    return fract((q.x + q.y) * q.z);
}

float ramp(float from, float to, float x) {  // smoothstep, also downwards, which GLSL leaves undefined
    float t = clamp((x - from) / (to - from), 0.0, 1.0);
    return t * t * (3.0 - 2.0 * t);
}

vec3 ramp(float from, float to, vec3 x) {
    vec3 t = clamp((x - from) / (to - from), 0.0, 1.0);
    return t * t * (3.0 - 2.0 * t);
}

vec3 palette(float t) {  // neon: teal, magenta, amber, turned by mood
    return 0.5 + 0.5 * cos(TAU
        * (vec3(0.52, 0.18, 0.10) + vec3(1.0, 0.75, 0.62) * t + vec3(0.0, 0.05, 0.1) * mood));
}

vec3 film(vec3 x) {  // ACES, the fit of Narkowicz (2015)
    return clamp((x * (2.51 * x + 0.03)) / (x * (2.43 * x + 0.59) + 0.14), 0.0, 1.0);
}

void main() {
    float scale = min(resolution.y, resolution.x * 1.2);
    vec2 p = (gl_FragCoord.xy - 0.5 * resolution) / scale;
    vec2 edge = 0.5 * resolution / scale;
    float pixel = 1.0 / scale;
    float wide = 0.25 + 0.75 * energy;

    // ---- the windscreen: drops bend the view, wipers take them away ----
    float swing = role_wiper;
    float cleared = 9.0, number = 0.0, blade = 0.0, glint = 0.0;
    for (int i = 0; i < 2; i++) {
        vec2 pivot = vec2(i == 0 ? -0.62 * edge.x : 0.16 * edge.x, -edge.y - 0.06);
        vec2 d = p - pivot;
        float reach = 0.62 * edge.x + 0.22;
        float r = length(d);
        float u = (atan(d.y, d.x) - 0.10) / 1.95;
        float inside = step(r, reach) * step(0.0, u) * step(u, motion);
        float at = acos(clamp(1.0 - 2.0 * u / max(motion, 0.01), -1.0, 1.0)) / 3.14159265;
        float since = min(mod(beat - at, 2.0), mod(beat + at, 2.0));
        cleared = mix(cleared, min(cleared, since), inside);
        number += inside * (floor((beat - at) * 0.5) + floor((beat + at) * 0.5));
        float a = 0.10 + 1.95 * swing;
        vec2 along = vec2(cos(a), sin(a));
        float side = dot(d, vec2(-along.y, along.x)), far = dot(d, along);
        float thick = mix(0.0075, 0.003, far / reach);
        float on = ramp(reach, reach - 0.01, far) * step(0.02, far);
        blade = max(blade, on * ramp(thick + 1.5 * pixel, thick, abs(side)));
        glint = max(glint, on * ramp(0.004, 0.0, abs(side - thick)));
    }
    float rain = 0.55 + 0.45 * (1.0 - energy);
    vec2 bend = vec2(0.0);
    float wet = 0.0, shine = 0.0;
    for (int i = 0; i < 2; i++) {
        float cells = i == 0 ? 11.0 : 27.0;
        vec2 g = p * cells + vec2(7.3 * float(i), 0.0);
        float fall = 0.0625 * float(1 + int(hash(vec2(floor(g.x), 3.0)) * 3.0));
        g.y += time * fall * (i == 0 ? 1.0 : 0.0);
        vec2 id = floor(g);
        float seed = mod(number, 64.0) + 70.0 * float(i);
        float h1 = hash(vec2(mod(id.y, 256.0), id.x) + seed), h2 = fract(h1 * 57.31);
        vec2 c = 0.5 + 0.5 * (vec2(h1, h2) - 0.5);
        float size = 0.26 * fract(h1 * 91.7) * step(0.45, fract(h2 * 13.7)) * ramp(0.02, 1.4, cleared) * rain;
        vec2 n = (fract(g) - c) / max(size, 0.02) * vec2(1.0, 0.85);
        float m = dot(n, n);
        float in_drop = ramp(1.0, 0.7, m) * step(0.03, size);
        bend += in_drop * n * (0.10 + 0.10 * m);
        wet = max(wet, in_drop);
        shine += in_drop * ramp(0.45, 0.0, length(n - vec2(-0.35, 0.45)));
    }

    // ---- the eye: springs, lean, lens ----
    vec2 c = p - bend;
    float lean = 0.014 * motion * sin(TAU * bar * 0.5);
    c += vec2(-c.y, c.x) * lean;
    c.y += 0.010 * role_kick * motion;
    float horizon = -0.03;
    float lens = mix(1.10, 0.80, wide);
    vec2 ray = c - vec2(0.05 * sin(TAU * bar * 0.125), horizon);

    // The bonnet mirrors the street ahead; so does the road. Either way one look at the street is enough.
    float rim = -edge.y + 0.085 - 0.10 * (c.x / edge.x) * (c.x / edge.x);
    float bonnet = ramp(rim + pixel, rim - pixel, c.y);
    float down = max(-ray.y, 0.0008);
    float depth = EYE * lens / down;                 // of the road under this pixel
    vec2 ground = vec2(ray.x * depth / lens, depth / ROAD + beat);  // metres across, beats along
    bool below = ray.y < 0.0 && abs(ground.x) < WALL && bonnet < 1.0;
    vec2 look = ray;
    float eye = EYE;
    vec2 stretch = vec2(1.0);
    if (below) {
        float ripple = sin(ground.x * 5.3 + 2.0 * sin(TAU * ground.y * 2.0))
            * sin(TAU * ground.y * 5.0 + ground.x * 2.1)
            + 0.6 * sin(ground.x * 17.0 - TAU * ground.y * 9.0);
        ripple *= exp(-depth * 0.045);
        look = vec2(ray.x + ripple * 0.010, -ray.y + ripple * 0.016);
        eye = -EYE;
        stretch = vec2(1.15, 0.34);  // wet asphalt draws lights out towards us
    } else if (bonnet > 0.0) {
        look = vec2(c.x * 1.5, 0.05 + (rim - c.y) * 5.5);
        stretch = vec2(1.0, 0.5);
    }

    // ---- sky and skyline ----
    float fog = mix(0.030, 0.0085, wide);
    vec3 haze = mix(vec3(0.150, 0.075, 0.030), vec3(0.135, 0.030, 0.105), mood) * (0.36 + 0.44 * wide);
    vec3 night = mix(vec3(0.006, 0.022, 0.030), vec3(0.022, 0.008, 0.040), mood);
    vec3 sodium = mix(vec3(1.0, 0.50, 0.16), vec3(1.0, 0.42, 0.38), mood);
    float up = max(look.y, 0.0);
    float veil = 1.0 / (1.0 + up * (4.0 + up * 9.0));
    float cloud = 0.5 + 0.5 * sin(look.x * 5.0 + 2.0 * sin(up * 9.0 + time * TAU / 64.0));
    vec3 col = mix(night, haze, veil) + haze * 0.3 * veil * cloud;

    float side = look.x < 0.0 ? -1.0 : 1.0;
    float away = WALL * lens / max(abs(look.x), 0.002);
    float high = eye + look.y * away / lens;
    float along = away / ROAD + beat;
    float house = mod(floor(along * 0.5), 2048.0);
    float kind = hash(vec2(house, side * 3.0 + 7.0));
    float roof = 8.0 + 26.0 * kind * kind + 4.0 * fract(kind * 17.0);
    if (high > roof && abs(look.x) < 0.45) {
        float lot = floor(look.x * 34.0);
        float tall = 0.05 + 0.19 * hash(vec2(lot, 5.0)) * (1.0 - 4.0 * look.x * look.x);
        float lit = texture(spectrum, vec2(fract(abs(lot) * 0.0625 + 0.02), 0.5)).r;
        vec2 win = vec2(look.x * 34.0 * 4.0, up * 130.0);
        float tower = step(up, tall);
        float lamp = step(0.42, hash(floor(win))) * step(0.3, fract(win.x)) * step(0.35, fract(win.y));
        lamp *= 0.15 + 1.6 * ramp(0.0, 0.08, lit - up / tall);
        col = mix(col, haze * 0.55 + vec3(0.9, 0.62, 0.36) * lamp * 0.30, tower * 0.85);
        float beacon = up - tall - 0.004;
        vec2 mast = vec2(fract(look.x * 34.0) - 0.5, beacon * 34.0);
        col += vec3(1.0, 0.06, 0.04) * role_downbeat * step(0.14, tall) * 0.012 / (dot(mast, mast) + 0.02);
    }

    // ---- the houses: two walls ----
    if (high < roof + 0.5) {
        float blur = clamp(away * away / (WALL * lens * ROAD) * pixel * 9.0, 0.0, 0.6);
        float floors = high / 2.9;
        vec2 pane = vec2(along * 6.0, floors);
        vec2 cell = vec2(mod(floor(pane.x), 8192.0), floor(pane.y));
        vec2 in_pane = fract(pane);
        vec2 f = abs(in_pane - 0.5);
        float level = texture(spectrum, vec2(fract(kind * 3.7 + cell.x * 0.0234375), 0.5)).r;
        float dice = hash(cell + side * 31.0), other = fract(dice * 91.7);
        float narrow = 0.24 + 0.18 * step(0.5, fract(kind * 23.0));
        float soft = 0.03 + blur;
        float glass = ramp(narrow + soft, narrow - soft, f.x) * ramp(0.33, 0.30, f.y);
        glass *= 1.0 - 0.6 * ramp(0.05, 0.02, f.x) * (1.0 - blur);
        float burning = ramp(0.80 - 0.62 * level, 0.88 - 0.5 * level, dice) * (0.25 + 1.2 * level);
        float room = (0.35 + 0.9 * in_pane.y * in_pane.y) * (0.55 + 0.45 * step(other, 0.7 + 0.6 * in_pane.x));
        vec3 warm = mix(vec3(1.0, 0.60, 0.26), vec3(0.55, 0.80, 1.0), step(0.72, other));
        warm = mix(warm, palette(kind + 0.15), step(0.93, other));
        vec3 wall = (haze * 0.16 + night * 0.5) * (0.75 + 0.25 * step(f.y, 0.44)) * (0.8 + 0.4 * kind);
        wall += (night + haze * 0.3) * 0.5 * glass;
        wall += warm * glass * burning * room * step(1.0, cell.y) * 0.8;
        // Lamplight climbs the wall, and passes with the lamps.
        float turn = fract(along * 0.5 + (side < 0.0 ? 0.5 : 0.0)) - 0.5 - 0.22;
        wall += sodium * 0.055 * exp(-turn * turn * 40.0) * max(0.0, 1.0 - abs(high - 4.5) * 0.14);
        if (high < 4.4) {  // shop fronts, and a rail of neon over some of them
            float shelf = fract(along * 3.0);
            vec2 stand = vec2(fract(along * 18.0) - 0.5, mod(floor(along * 18.0), 8192.0));
            float goods = 0.5 + 1.1 * hash(vec2(stand.y, 17.0)) - 1.1 * ramp(0.20, 0.46, abs(stand.x));
            float shop = ramp(0.35, 0.55, high) * ramp(2.9, 2.75, high) * step(0.35, fract(kind * 5.3));
            shop *= ramp(0.0, 0.03 + blur, shelf - 0.05) * ramp(0.0, 0.03 + blur, 0.95 - shelf);
            float inside = 0.12 + 0.40 * high / 2.8 + 0.9 * ramp(0.10, 0.02, abs(high - 2.55))
                * step(0.15, abs(shelf - 0.5));
            vec3 tone = mix(vec3(1.0, 0.62, 0.30), palette(kind), 0.20);
            wall = mix(wall, night * 0.3, shop);
            wall += tone * shop * inside * (0.20 + 0.35 * role_neon)
                * (1.0 - 0.75 * ramp(0.06, -0.06, high - goods) * (1.0 - blur));
            float tube = 0.05 / (abs(high - 3.35) + 0.05) * ramp(1.0, 0.3, abs(high - 3.35))
                * step(0.5, fract(kind * 11.0));
            wall += palette(kind + 0.35) * tube * (0.12 + 0.9 * role_neon);
        }
        float near = exp(-away * fog);
        col = mix(col, mix(haze * 0.8, wall, near), ramp(roof + 0.02 * away, roof, high));
    }

    // ---- what stands along the street. Everything of one row shares its distance from the middle, so the pixel
    // itself says which lamp, sign or passer-by it can belong to: one or two are tried instead of all ----
    vec3 light = vec3(0.0), ahead = vec3(0.0);   // ahead: light in front of the road
    vec4 front = vec4(0.0);                      // what stands in front of the road
    vec2 seen = below ? ray : look;
    float ax = max(abs(look.x), 0.004);
    float parity = side < 0.0 ? 0.0 : 1.0;     // lamps of the left stand at even beats, of the right at odd ones
    float gone = (6.4 - EYE) * lens / (edge.y + 0.05);  // where a lamp leaves the picture: there it is on its beat
    float start = beat - gone / ROAD;          // count of the lamps = beats + metres / ROAD
    vec2 arm = vec2(side * 4.1, 6.4 - eye);
    float guess = (below ? 4.1 / ax : length(arm) / max(length(look), 0.01)) * lens / ROAD + start;
    float first = floor((guess - parity) * 0.5) * 2.0 + parity;
    for (int i = 1; i >= 0; i--) {
        float n = first + 2.0 * float(i), z = (n - start) * ROAD;
        float there = ramp(1.0, 4.0, z) * ramp(80.0, 50.0, z);
        float off = (n - guess) * 0.5;
        float window = max(0.0, 1.0 - off * off);
        float k = lens / max(z, 0.5);
        vec2 d = (look - arm * k) / k;
        float bar_of = ramp(0.07 + pixel / k, 0.07, abs(d.y - 0.12)) * step(abs(d.x - side * 0.8), 0.9);
        col = mix(col, night * 0.5, bar_of * there * exp(-z * fog));
        d *= stretch;
        float dd = dot(d, d), fall = max(0.0, 1.0 - dd * 0.0625) * window;
        float swell = exp(-z * fog) * there * (0.62 + 0.55 * role_pulse * exp(-(z - gone) * 0.06));
        light += sodium * swell * fall * fall * (0.16 / (dd + 0.03) + 0.20 / (dd + 1.2));
    }
    {   // the pole under it
        float n = floor((5.7 * lens / ax / ROAD + start - parity) * 0.5 + 0.5) * 2.0 + parity;
        float z = (n - start) * ROAD;
        float k = lens / max(z, 0.5);
        bool direct = !below || EYE + ray.y / k > 0.0;
        float pole = ramp(0.10 + pixel / k, 0.10, abs(ax / k - 5.7))
            * step(direct ? ray.y : look.y, (6.4 - eye) * k);
        pole *= step(1.0, z) * ramp(70.0, 45.0, z);
        vec3 iron = mix(haze * 0.5, night * 0.5 + sodium * 0.008, exp(-z * fog));
        if (below && direct) front = vec4(iron, pole); else col = mix(col, iron, pole);
    }
    {   // neon signs, half a beat behind the lamps of the other side
        float near_to = (WALL - 1.9) * lens / ax / ROAD + start - 0.5;
        float n = floor((near_to - 1.0 + parity) * 0.5 + 0.5) * 2.0 + 1.0 - parity, off = near_to - n;
        float z = (n + 0.5 - start) * ROAD, k = lens / max(z, 0.5);
        float who = hash(vec2(mod(n, 4096.0), 11.0));
        vec2 q = (look - vec2(side * (WALL - 1.9), 6.0 + 3.0 * who - eye) * k) / k;
        vec2 b = abs(q) - vec2(0.75, 1.3 + 1.6 * fract(who * 7.0));
        vec2 out_of = max(b, 0.0) * stretch;
        float beyond = dot(out_of, out_of), box = max(b.x, b.y);
        float here = ramp(2.0, 6.0, z) * ramp(72.0, 50.0, z) * step(0.25, fract(who * 3.0));
        float breath = (0.18 + 1.15 * role_neon) * exp(-z * fog) * here;
        vec2 bit = floor(q * vec2(3.6, 4.0) + 40.0);
        float ink = step(0.40, hash(bit + floor(who * 64.0))) * step(0.5, mod(bit.y, 4.0))
            * ramp(-0.10, -0.16, box);
        float rim_of = box + 0.06, fine = ramp(0.25, 0.7, 14.0 / max(z, 0.5));
        float fall = max(0.0, 1.0 - beyond * 0.0625) * max(0.0, 1.0 - off * off);
        col = mix(col, night * 0.4, step(box, 0.0) * here * 0.85);
        light += palette(who + 0.1) * breath
            * (ink * 0.9 * fine + fall
                * (1.6 / (1.0 + 300.0 * rim_of * rim_of) + 0.26 * fall / (1.0 + 1.6 * beyond)));
    }
    {   // someone under an umbrella: a foot comes down on every beat
        float n = floor((8.4 * lens / ax / ROAD + start - parity) * 0.5 + 0.5) * 2.0 + parity;
        float z = (n - start) * ROAD + 2.0, k = lens / max(z, 0.5);
        float walker = hash(vec2(mod(n, 4096.0), 23.0));
        bool direct = !below || EYE + ray.y / k > 0.0;
        vec2 man = ((direct ? seen : look) - vec2(side * (7.6 + 1.6 * walker) * k, 0.0)) / k;
        man.y += (direct ? EYE : -EYE) - 0.12 - 0.05 * role_pedestrian;
        float stride = 0.20 * motion * abs(cos(0.5 * TAU * beat)) + 0.03;
        float legs = ramp(0.085, 0.06, abs(abs(man.x) - stride * clamp(0.85 - man.y, 0.0, 1.0)))
            * step(man.y, 0.85);
        float coat = ramp(0.02, 0.0, abs(man.x) - 0.17 - 0.10 * (1.25 - man.y)) * step(abs(man.y - 1.0), 0.45);
        float skull = ramp(0.14, 0.11, length(man - vec2(0.0, 1.6)));
        float dome = ramp(0.70, 0.67, length((man - vec2(0.0, 1.75)) * vec2(1.0, 1.5))) * step(1.75, man.y);
        float figure = max(max(legs, coat), max(skull, dome)) * step(0.0, man.y) * step(0.35, walker);
        figure *= ramp(1.0, 3.0, z) * ramp(52.0, 36.0, z);
        vec3 cloth = mix(night * 0.4, palette(walker + 0.4) * 0.10, dome) + sodium * 0.10 * dome
            * ramp(1.9, 2.2, man.y);
        cloth = mix(haze * 0.8, cloth, exp(-z * fog));
        if (below && direct) {
            front = vec4(mix(front.rgb, cloth, figure), max(front.a, figure));
        } else {
            col = mix(col, cloth, figure);
            light *= 1.0 - 0.8 * figure;
        }
    }

    // ---- traffic lights: each passes overhead on the downbeat ----
    {
        float stride = float(beats_per_bar) * ROAD, over = (5.6 - EYE) * lens / (edge.y + 0.03);
        float key = ((5.7 - eye) * lens / max(up, 0.01) - over) / stride + bar_phase;
        float n = clamp(floor(key + 0.5), 1.0, 2.0), off = clamp(2.0 * (key - n), -1.0, 1.0);
        float z = (n - bar_phase) * stride + over, k = lens / z;
        float there = ramp(2.0 * stride, 1.4 * stride, z), clear = exp(-z * fog);
        vec2 q = (look - vec2(0.0, (5.7 - eye) * k)) / k;
        vec2 at = q - vec2(1.7, 0.0), reach = at * stretch;
        float beam = ramp(0.12 + pixel / k, 0.12, abs(q.y - 0.75)) * step(abs(q.x), 7.0);
        beam = max(beam, ramp(0.05 + pixel / k, 0.05, abs(at.x)) * step(abs(q.y - 0.5), 0.3));
        float box = max(abs(at.x) - 0.98, abs(at.y) - 0.40);
        float dark = max(beam, ramp(pixel / k, 0.0, box));
        col = mix(col, night * 0.35 + haze * 0.4 * (1.0 - clear), dark * there);
        light *= 1.0 - 0.7 * dark * there;
        float turn = n < 1.5 ? role_traffic_light : 0.0;
        vec3 on = vec3(step(turn, 0.5), step(0.25, turn) * step(turn, 0.75), step(0.75, turn));
        on = mix(vec3(0.0, 0.35, 0.0), on, motion);  // unsure of the beat: a steady amber
        float fall = max(0.0, 1.0 - dot(reach, reach) * 0.06) * (below ? 1.0 : 1.0 - off * off);
        vec3 x = (vec3(-0.62, 0.0, 0.62) - at.x) * stretch.x;
        vec3 dd = x * x + reach.y * reach.y;
        vec3 disc = ramp(0.062, 0.045, dd);
        vec3 shed = on * (disc * 2.2 + 0.12 * fall * fall / (dd + 0.05)) + 0.03 * disc;
        light += clear * there * (vec3(1.0, 0.07, 0.05) * shed.x + vec3(1.0, 0.45, 0.05) * shed.y
            + vec3(0.05, 1.0, 0.55) * shed.z);
    }

    // ---- oncoming headlights, one pair a bar, over at a beat ----
    float trip = fract(beat * 0.25), whose = mod(floor(beat * 0.25), 1024.0);
    {
        float zo = (1.0 - trip) * 96.0 + 3.0, ko = lens / zo;
        bool direct = !below || EYE + ray.y / ko > 0.0;
        vec2 o = ((direct ? seen : look) - vec2(-3.4, 0.70 - (direct ? EYE : -EYE)) * ko) / ko
            * (direct ? vec2(1.0) : stretch);
        float fall = max(0.0, 1.0 - dot(o, o) * 0.03);
        vec2 l = vec2(abs(o.x) - 0.62, o.y);
        float beams = exp(-zo * fog) * ramp(99.0, 70.0, zo) * ramp(3.2, 9.0, zo)
            * step(0.3, hash(vec2(whose, 2.0)));
        vec3 white = vec3(0.80, 0.92, 1.0) * beams * fall * fall * 0.08 / (dot(l, l) + 0.014);
        if (below && direct) ahead += white; else light += white;
    }

    // ---- the car in front: its brakes are the kick ----
    float zc = 9.8, kc = lens / zc, sway = 0.55 * sin(TAU * bar * 0.25);
    {
        bool direct = !below || EYE + ray.y / kc > 0.0;
        vec2 car = ((direct ? seen : look) - vec2(sway * kc, 0.0)) / kc + vec2(0.0, (direct ? EYE : -EYE) - 0.72);
        vec2 st = direct ? vec2(1.0) : stretch;
        vec2 near_car = car * st;
        vec2 m = vec2(abs(car.x), car.y);
        float body = max(m.x - 0.86 - 0.05 * cos(m.y * 5.0), abs(m.y + 0.06) - 0.36);
        float cabin = max(m.x - 0.70 + 0.42 * (m.y - 0.3), abs(m.y - 0.45) - 0.24);
        float tyre = max(abs(m.x - 0.70) - 0.14, abs(m.y + 0.55) - 0.17);
        float hull = min(min(body, cabin) - 0.07, tyre);
        float solid = ramp(pixel / kc, -pixel / kc, hull);
        float window = ramp(0.02, -0.02, max(m.x - 0.60 + 0.42 * (m.y - 0.3), abs(m.y - 0.50) - 0.15));
        vec3 paint = vec3(0.010, 0.008, 0.010) + haze * (0.05 + 0.5 * window * ramp(0.3, 0.7, m.y));
        paint += haze * 0.35 * ramp(0.03, 0.0, abs(m.y - 0.34)) + sodium * (0.03 + 0.05 * role_pulse)
            * ramp(0.10, 0.0, abs(hull + 0.02)) * step(0.0, m.y);
        paint += vec3(0.5, 0.5, 0.42) * 0.12 * step(max(m.x - 0.25, abs(m.y + 0.20) - 0.06), 0.0);
        float brake = 0.22 + 1.25 * role_kick, fall = max(0.0, 1.0 - dot(near_car, near_car) * 0.05);
        paint += vec3(1.0, 0.03, 0.02) * brake * 0.02 * step(m.y, 0.3);
        vec2 a = max(abs(m - vec2(0.64, 0.13)) - vec2(0.20, 0.045), 0.0) * st;
        float dd = dot(a, a);
        vec3 red = vec3(1.0, 0.035, 0.03) * brake
            * ((1.5 - 1.2 * role_kick) * ramp(0.006, 0.0, dd) + 0.9 * ramp(0.006, 0.0, dd) + 0.026 * fall
                * fall / (dd + 0.03));
        red += vec3(1.0, 0.05, 0.03) * role_kick * 1.4 * ramp(0.03, 0.0, max(m.x - 0.22, abs(m.y - 0.36) - 0.02));
        if (below && direct) {
            front = vec4(mix(front.rgb, paint, solid), max(front.a, solid));
            ahead = ahead * (1.0 - solid) + red;
        } else {
            col = mix(col, paint, solid);
            light = light * (1.0 - 0.92 * solid) + red;
        }
    }

    // ---- the shot: on the snare, left and right by turns ----
    {
        float left = (snare_count & 1) == 0 ? -1.0 : 1.0, kg = lens / 14.0;
        bool direct = !below || EYE + ray.y / kg > 0.0;
        float place = left * min(5.0 + 1.3 * hash(vec2(float(snare_count), 1.0)), 0.8 * edge.x / kg);
        vec2 g = ((direct ? seen : look) / kg - vec2(place, 1.5 - (direct ? EYE : -EYE)))
            * (direct ? vec2(1.0) : stretch);
        vec2 air = seen / kg - vec2(place, 1.5 - EYE);
        float halo = max(0.0, 1.0 - 0.016 * dot(air, air));
        float gd = length(g) + 0.001, fall = max(0.0, 1.0 - gd * 0.11), x = g.x / gd, xx = x * x;
        float spokes = x * (xx * (16.0 * xx - 20.0) + 5.0);  // cos(5 a): five spokes
        spokes *= spokes * spokes; spokes *= spokes;
        vec3 flash = vec3(1.0, 0.76, 0.44) * role_gunshot * fall * fall
            * (1.1 / (gd * gd * 2.2 + 0.10) + spokes * 1.1 * fall / (gd + 0.25));
        ahead += vec3(1.0, 0.72, 0.42) * role_gunshot * halo * halo * halo * 0.16;
        if (below && direct) ahead += flash; else light += flash;
    }

    // ---- the road ----
    if (below) {
        float dim = exp(-depth * fog);
        float dash = fract(ground.y - 3.0 / ROAD);
        float sharp = clamp(depth * depth * pixel / (EYE * lens * ROAD) * 1.5, 0.004, 0.5);
        float mark = ramp(0.075, 0.055, abs(abs(ground.x) - 1.75));
        mark *= ramp(0.0, sharp, dash) * ramp(0.42, 0.42 - sharp, dash);
        mark = max(mark, 0.5 * ramp(0.08, 0.05, abs(abs(ground.x) - 5.6)));
        mark *= ramp(140.0, 40.0, depth);
        float path = ramp(6.3, 6.34, abs(ground.x)), kerb = ramp(0.16, 0.06, abs(abs(ground.x) - 6.3));
        // Light of the lamps of both sides on the ground, each the nearest of its row.
        vec2 gap = (fract((ground.y - gone / ROAD - vec2(0.0, 1.0)) * 0.5 + 0.5) - 0.5) * 2.0 * ROAD;
        vec2 over = vec2(ground.x + 3.6, ground.x - 3.6);
        vec2 lies = max(1.0 - 0.030 * over * over - 0.0125 * gap * gap, 0.0);
        lies *= lies * lies;
        vec3 pool = sodium * (lies.x + lies.y) * (0.62 + 0.55 * role_pulse * exp(-depth * 0.06)) * dim;
        float grit = 0.75 + 0.5 * hash(floor(vec2(ground.x * 24.0, mod(ground.y, 64.0) * 220.0)));
        float close = exp(-depth * 0.10);
        vec3 asphalt = night * (0.30 + 0.25 * path) + haze * (0.05 + 0.04 * path)
            + (haze * 0.20 + sodium * 0.01) * kerb;
        asphalt += pool * 0.10 * mix(1.0, grit, close) * (1.0 + 0.5 * kerb);
        asphalt += mark * grit * (vec3(0.07, 0.075, 0.08) + 0.7 * pool + vec3(0.20) * role_pulse * close);
        vec2 shade = vec2(ground.x - sway, (depth - zc - 1.0) * 0.5);
        asphalt *= 1.0 - 0.8 * exp(-dot(shade, shade) * 0.9);
        float puddle = 0.5 + 0.5 * sin(ground.x * 1.3 + sin(TAU * ground.y))
            * sin(TAU * ground.y * 0.5 + ground.x * 0.7);
        float mirror = mix(0.14, 0.85, 1.0 / (1.0 + 60.0 * down * down)) * (0.62 + 0.38 * puddle)
            * (1.0 - 0.45 * path);
        col = mix(haze * 0.7, asphalt, dim) + (col * 0.9 + light * 0.62) * mirror;
        vec2 glint_at = vec2(ground.x * 5.0, mod(ground.y, 64.0) * 40.0), spot = fract(glint_at) - 0.5;
        float edge_of = max(0.0, 1.0 - 4.0 * dot(spot, spot));
        float glimmer = step(0.86, hash(floor(glint_at) + 3.0)) * edge_of
            * edge_of / (1.0 + 160.0 * dot(spot, spot));
        col += glimmer * ramp(26.0, 6.0, depth) * role_spark * (pool * 2.0 + sodium * 0.5);
        col = mix(col, front.rgb, front.a) + ahead;
    } else {
        col += light + ahead;
    }
    if (bonnet > 0.0) {
        vec3 metal = vec3(0.004) + col * 0.22 * ramp(-0.02, 0.10, rim - c.y + 0.03);
        col = mix(col, metal + sodium * exp(-abs(rim - c.y) * 160.0) * (0.05 + 0.22 * role_pulse), bonnet);
    }

    // ---- rain in the air, lit by what is behind it ----
    for (int i = 0; i < 2; i++) {
        float grid = i == 0 ? 46.0 : 24.0;
        vec2 s = vec2(p.x + p.y * 0.10, p.y) * grid;
        float column = floor(s.x), rnd = hash(vec2(column, 9.0 + float(i)));
        float run = fract(s.y / grid * 0.9 + time * (1.5 + 0.25 * floor(rnd * 4.0)) + rnd * 7.0);
        float line = ramp(0.16, 0.0, abs(fract(s.x) - 0.5)) * ramp(0.10, 0.0, run) * step(0.01, run);
        col += (haze * 0.5 + col * 0.7 + 0.01) * line * rain * 0.55;
    }

    // ---- glass, lens, film ----
    col = mix(col, col * 0.85 + haze * 0.06, wet);
    col += (sodium * 0.10 + haze * 0.5 + vec3(0.75, 0.9, 1.0) * 0.9 * role_spark) * shine * 0.8;
    col = mix(col, vec3(0.004), blade * 0.94);
    col += sodium * glint * (0.03 + 0.10 * role_pulse);
    float grey = dot(col, vec3(0.2126, 0.7152, 0.0722));
    col = max(mix(vec3(grey), col, 0.78 + 0.42 * wide), 0.0);
    vec2 v = p / edge;
    col *= 1.0 - 0.42 * ramp(0.35, 1.5, dot(v, v));
    col = film(col * (1.05 + 0.25 * energy));
    col = mix(col, col * col * (3.0 - 2.0 * col), 0.35);
    float grain = hash(gl_FragCoord.xy + fract(time) * vec2(917.0, 613.0)) - 0.5;
    picture = vec4(pow(max(col, 0.0), vec3(1.0 / 2.2)) + grain * 0.022, 1.0);
}
