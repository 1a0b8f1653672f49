Foreman::Plugin.register 'foreman-tasks', version: '13.1.0' do
  draw do
    scope 'foreman_tasks/api', module: :foreman_tasks, defaults: { format: :json } do
      get  'tasks/summary', to: 'tasks#summary'
      post 'tasks/bulk_resume', to: 'tasks#bulk_resume'
      resources :tasks, only: %i[index show]
    end
  end
end
