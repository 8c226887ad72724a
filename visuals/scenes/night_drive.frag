// placeholder: road
void main() {
    vec2 at = (gl_FragCoord.xy - 0.5 * resolution) / resolution.y;
    float z = 0.3 / max(0.001, -at.y);
    float lane = step(0.5, fract(z + beat)) * exp(-abs(at.x) * 40.0 * z) * step(at.y, 0.0);
    picture = vec4(vec3(0.02, 0.03, 0.05) + lane + role_pulse * 0.1 * exp(-dot(at, at) * 4.0), 1.0);
}
