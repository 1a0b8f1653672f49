Foreman::Plugin.register 'foreman_remote_execution', version: '16.0.0', requires: %w[foreman-tasks] do
  draw do
    scope 'api(/:api_version)', api_version: /v2/, defaults: { format: :json }, module: :api do
      resources :job_invocations, only: %i[index show create]
      resources :job_templates, only: :index
    end
  end
end
